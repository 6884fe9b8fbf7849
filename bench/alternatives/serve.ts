import { createServer } from 'node:http';
import { readKeys } from '../load/key-draw.ts';
import { answerJson, readJson } from '../peers/node-http.ts';
import { betterAuthVerify } from './better-auth.ts';
import { openkeyVerify } from './openkey.ts';

/** Verdict of a library on a key, with at least `valid`. */
export type Verify = (key: string) => Promise<{ valid: boolean }>;

const libraries: Record<string, (env: NodeJS.ProcessEnv, keys: readonly string[]) => Promise<Verify>> = {
  openkey: openkeyVerify,
  'better-auth': betterAuthVerify,
};

/**
 * Runs a library behind a minimal server: `node bench/alternatives/serve.ts <name>` with PORT and
 * its stores.
 */
const open = libraries[process.argv[2] ?? ''];
if (open === undefined) throw new Error(`Name one of: ${Object.keys(libraries).join(', ')}`);
const { PORT, KEYS_FILE = '', KEYS_COUNT } = process.env;
const verify = await open(process.env, readKeys(KEYS_FILE, Number(KEYS_COUNT)));
createServer((req, res) => {
  readJson(req, (body) => {
    verify(String((body as { key?: unknown }).key)).then(
      (verdict) => answerJson(res, 200, JSON.stringify(verdict)),
      (error: Error) => answerJson(res, 500, JSON.stringify({ error: error.message })),
    );
  });
}).listen(Number(PORT), '127.0.0.1');
