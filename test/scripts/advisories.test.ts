import { createServer, type RequestListener } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { checkAdvisories } from '../../scripts/checks/advisories.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';

afterAll(endAll);

/** Audits against a registry of the test's own. */
async function auditAt(registry: RequestListener) {
  const server = createServer(registry);
  atEnd(() => server.close());
  const port = await listen(server, 0, '127.0.0.1');
  return checkAdvisories({
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}`,
    npm_config_fetch_retries: '0',
  });
}

const json =
  (value: unknown): RequestListener =>
  (_req, res) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(value));
  };

test('passes when the registry knows nothing bad of what is installed for production', async () => {
  const { ok, output } = await auditAt(json({}));
  expect({ ok, output }).toEqual({
    ok: true,
    output: '.: no known vulnerability\nportal: no known vulnerability',
  });
});

test('fails, and names the package, when the registry knows of a vulnerability', async () => {
  const advisory = { id: 1, url: 'https://example.com/1', title: 'bad', severity: 'high' };
  const affected = { vulnerable_versions: '>=0', cwe: [], cvss: { score: 7, vectorString: null } };
  const version = { name: 'express', version: '1.0.0', dist: {} };
  const packument = { name: 'express', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } };
  const { ok, output } = await auditAt((req, res) => {
    const isAudit = req.method === 'POST';
    json(isAudit ? { express: [{ ...advisory, ...affected }] } : packument)(req, res);
  });
  expect(ok).toBe(false);
  expect(output).toMatch(/^\.: known vulnerabilities\n(.*\n)*high: express /);
  expect(output).toContain('portal: no known vulnerability');
});

test('passes and says so when the registry answers no audits', async () => {
  const { ok, output } = await auditAt((_req, res) => {
    res.statusCode = 405;
    res.end();
  });
  expect(ok).toBe(true);
  expect(output).toContain('.: not audited: the registry does not answer (405 ');
});

test('passes and says so when there is no registry at all', async () => {
  const { ok, output } = await checkAdvisories({
    ...process.env,
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_fetch_retries: '0',
  });
  expect(ok).toBe(true);
  expect(output).toMatch(/not audited: .*ECONNREFUSED/);
});
