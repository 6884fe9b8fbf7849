import { createServer, type Server } from 'node:http';
import express from 'express';
import { bareInsert } from './bare-insert.ts';

/** Bare INSERT behind Express. */
export function insertBehindExpress(databaseUrl: string, poolSize: number): Server {
  const { insert } = bareInsert(databaseUrl, poolSize);
  const app = express();
  app.use(express.json());
  app.post('/v1/flowplate/api-keys', async (_req, res) => {
    res.status(201).json({ key: await insert() });
  });
  return createServer(app);
}
