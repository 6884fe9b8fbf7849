import type { Server } from 'node:http';
import { embeddedVerifier } from './peers/embedded-verifier.ts';
import { emptyNodeHttp } from './peers/empty-node-http.ts';
import { expressRedis } from './peers/express-redis.ts';
import { insertBehindExpress } from './peers/insert-behind-express.ts';
import { insertBehindNodeHttp } from './peers/insert-behind-node-http.ts';
import { nodeHttp } from './peers/node-http.ts';
import { verifierCrowd } from './peers/verifier-crowd.ts';

/** Baselines, each as a process: `node bench/peer.ts <name>` with PORT and its stores. */
const peers: Record<string, () => Server | Promise<Server>> = {
  'node-http': nodeHttp,
  'empty-node-http': emptyNodeHttp,
  'embedded-verifier': () => embeddedVerifier(process.env),
  'verifier-crowd': () => verifierCrowd(process.env),
  'express-redis': () => expressRedis(process.env),
  'insert-node-http': () => insertBehindNodeHttp(databaseUrl(), poolSize()),
  'insert-express': () => insertBehindExpress(databaseUrl(), poolSize()),
};

const name = process.argv[2] ?? '';
const peer = peers[name];
if (peer === undefined) throw new Error(`There is no peer ${name}: ${Object.keys(peers).join(', ')}`);
(await peer()).listen(Number(process.env.PORT), '127.0.0.1');
if (process.env.SOCKET !== undefined) (await peer()).listen(process.env.SOCKET);

function databaseUrl(): string {
  return process.env.DATABASE_URL ?? '';
}

function poolSize(): number {
  return Number(process.env.POOL_SIZE);
}
