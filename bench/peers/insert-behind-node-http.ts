import { createServer, type Server } from 'node:http';
import { bareInsert } from './bare-insert.ts';
import { answerJson, readJson } from './node-http.ts';

/** Bare INSERT behind a minimal node:http server. */
export function insertBehindNodeHttp(databaseUrl: string, poolSize: number): Server {
  const { insert } = bareInsert(databaseUrl, poolSize);
  return createServer((req, res) => {
    readJson(req, () => {
      insert().then(
        (id) => answerJson(res, 201, JSON.stringify({ key: id })),
        (error: Error) => answerJson(res, 500, JSON.stringify({ error: error.message })),
      );
    });
  });
}
