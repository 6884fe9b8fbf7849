import { isPortFree } from '../../scripts/services/free-port.ts';

/** Below Linux's ephemeral ports (32768), so that the port stays free while its server is down. */
const lowest = 20_000;
const highest = 32_000;

/** A port that is free and stays so until the caller listens on it, or listens on it again. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isPortFree(port)) return port;
  }
}
