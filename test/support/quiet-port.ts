import { isPortFree } from '../../scripts/services/free-port.ts';

/**
 * Below what Linux hands out by itself (32768), so that nobody takes it while a server that had it
 * is away.
 */
const lowest = 20_000;
const highest = 32_000;

/** A port that is free and stays so until the caller listens on it, or listens on it again. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isPortFree(port)) return port;
  }
}
