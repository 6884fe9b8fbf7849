import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { listen } from '../../src/process/serve-http.ts';
import { firstApiAdmin } from '../support/api-users.ts';
import { atEnd } from '../support/at-end.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { quietPort } from '../support/quiet-port.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

const oneSentence = /^flowplate: [^\n]+\n$/;

describe('a refusal is one sentence on stderr, with its code and the trace id, and ends with 1', () => {
  test('of what is not there', async () => {
    const { stdout, stderr, exitCode } = await desk().run(['platform', 'tenants', 'get', 'org_nowhere']);
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toMatch(oneSentence);
    expect(stderr).toMatch(/\(ORGANIZATION_NOT_FOUND, trace id: req_\w+\)/);
  });

  test('of what is not allowed, also with --json', async () => {
    const { secret } = await platformKey(broker(), ['role_platform_viewer']);
    const args = ['platform', 'tenants', 'provision', '--name', 'x', '--json'];
    const { stdout, stderr, exitCode } = await desk().run(args, { env: { FLOWPLATE_API_KEY: secret } });
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toMatch(oneSentence);
    expect(stderr).toContain('INSUFFICIENT_PERMISSIONS');
  });

  test('of what is not valid, which says what', async () => {
    const refused = await desk().run(['platform', 'users', 'update', 'puser_x', '--name', 'y']);
    expect(refused.stderr).toMatch(/`id` must be a platform user id .*VALIDATION_ERROR/);
    expect(refused.exitCode).toBe(1);
  });

  test('of a credential, which is not repeated', async () => {
    const { secret } = await platformKey(broker(), [], { expiresAt: new Date(Date.now() - 1) });
    const ran = await desk().run(['platform', 'whoami'], { env: { FLOWPLATE_API_KEY: secret } });
    expect(ran.stderr).toContain('AUTHENTICATION_REQUIRED');
    expect(ran.stdout + ran.stderr).not.toContain(secret);
  });

  test.each([
    ['FLOWPLATE_MASTER_KEY', ['keys', 'list'], 'fl_master_prod_wrong'],
    ['FLOWPLATE_ADMIN_KEY', ['users', 'list'], 'flapi_wrong'],
    ['FLOWPLATE_API_KEY', ['platform', 'stats'], 'flplatform_wrong'],
  ])('of a wrong %s, which is named, and no login', async (variable, args, value) => {
    const { stderr, exitCode } = await desk().run(args, { env: { [variable]: value } });
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(oneSentence)]);
    expect(stderr).toMatch(/AUTHENTICATION_REQUIRED, trace id: req_\w+\)\. Check (\w+): /);
    expect(/Check (\w+)/.exec(stderr)?.[1]).toBe(variable);
    expect(stderr).not.toContain('log in');
    expect(stderr).not.toContain(value);
  });

  test('of an API user that is not there, which says nothing of minted keys', async () => {
    const env = { FLOWPLATE_ADMIN_KEY: (await firstApiAdmin(broker())).key };
    const { stderr } = await desk().run(['users', 'get', 'usr_000000000000'], { env });
    expect(stderr).toMatch(/^flowplate: No such user \(USER_NOT_FOUND/);
    const operator = await desk().run(['keys', 'revoke-all', 'nobody']);
    expect(operator.stderr).toMatch(/^flowplate: No key was ever minted for this user \(USER_NOT_FOUND/);
  });

  test('of a second bootstrap', async () => {
    const env = { FLOWPLATE_API_KEY: (await tenantKey(broker(), 'org_first')).secret };
    const args = ['platform', 'create-admin', '--email', 'a@example.com', '--name', 'A', '--password-stdin'];
    const stdin = 'correct horse battery staple';
    expect((await desk().run(args, { env, stdin })).exitCode).toBe(0);
    const again = await desk().run(args, { env, stdin });
    expect(again.stderr).toContain('ALREADY_BOOTSTRAPPED');
    expect(again.exitCode).toBe(1);
  });
});

describe('a server that does not answer', () => {
  test('is named when nobody listens there', async () => {
    const server = `http://127.0.0.1:${await quietPort()}`;
    const { stdout, stderr, exitCode } = await desk().run(['--server', server, 'platform', 'stats']);
    expect([stdout, stderr, exitCode]).toEqual([
      '',
      `flowplate: ${server} could not be reached (ECONNREFUSED)\n`,
      1,
    ]);
  });

  test('is named when it is something else, and nothing of what it says is shown', async () => {
    const other = createServer((_req, res) => res.writeHead(404).end('<h1>nginx</h1>'));
    const server = `http://127.0.0.1:${await listen(other, 0, '127.0.0.1')}`;
    atEnd(() => other.close());
    const { stderr, exitCode } = await desk().run(['platform', 'stats', '--server', server]);
    expect([stderr, exitCode]).toEqual([
      `flowplate: ${server} does not answer as Flowplate Keys does (status 404)\n`,
      1,
    ]);
  });
});

describe('wrong use ends with 2, says what is wrong, and asks nobody', () => {
  test.each([
    [['platfrom'], "unknown command 'platfrom'"],
    [['--as-org', 'org_x', 'function', 'list'], 'function has no counterpart here'],
    [['functions', 'list', '--limit', '3'], 'functions has no counterpart here'],
    [['platform', 'tenants'], 'Usage: flowplate platform tenants'],
    [['platform', 'tenants', 'provision'], "required option '--name <name>' not specified"],
    [['platform', 'audit', 'everything'], 'too many arguments'],
    [['platform', 'audit', '--limit', 'ten'], 'It must be a whole number from 1 to 1000.'],
    [['platform', 'users', 'update', 'puser_x', '--active', 'maybe'], 'It must be true or false.'],
    [['keys', 'mint', '--user', 'u', '--org', 'o', '--quota', '5/week'], 'such as 10000/day'],
    [['keys', 'mint', '--user', 'u', '--org', 'o', '--metadata', '[]'], 'It must be a JSON object.'],
    [['keys', 'revoke'], 'name a key, or --user and --org'],
    [['keys', 'revoke', 'flk_x', '--user', 'u'], 'but not both'],
    [['--server', 'localhost', 'platform', 'stats'], 'It must be an address'],
    [['--server', 'http://me:secret@localhost', 'platform', 'stats'], 'It must be an address'],
    [['--as-org', 'org_x', 'keys', 'mint', '--user', 'u', '--org', 'o'], 'a master key is none'],
    [['users', 'list'], 'FLOWPLATE_ADMIN_KEY'],
    [['platform', 'login', '--email', 'a@example.com'], 'use --password-stdin'],
    [['platform', 'login', '--email', 'a@example.com', '--password', 'x'], "unknown option '--password'"],
    [['platform', 'login', '--email', 'a@example.com', '--password-stdin'], 'Password is empty'],
    [
      ['platform', 'create-admin', '--email', 'a@b.c', '--name', 'A'],
      'set FLOWPLATE_API_KEY to a tenant key',
    ],
    [['completion', 'tcsh'], 'Allowed choices are'],
  ])('%j', async (args, said) => {
    const { stdout, stderr, exitCode } = await desk().run(args);
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('a credential of no kind', async () => {
    const env = { FLOWPLATE_API_KEY: 'hunter2' };
    const { stderr, exitCode } = await desk().run(['platform', 'stats'], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('neither a platform key');
    expect(stderr).not.toContain('hunter2');
  });
});
