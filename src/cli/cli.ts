import type { Command } from 'commander';
import { FlowplateClient } from '../sdk/client.ts';
import { FlowplateApiError } from '../sdk/errors.ts';
import { FlowplateOperatorClient } from '../sdk/operator-client.ts';
import { type Audience, chooseCredential } from './credentials/choose-credential.ts';
import { credentialsPath, findLogin } from './credentials/credentials-file.ts';
import { CredentialRefused, type CredentialSource, UsageError } from './failure.ts';
import { type KeysClient, masterKeyKeys, operatorKeys } from './keys-client.ts';
import { printableJson } from './output/printable.ts';
import { type Column, tableLines } from './output/table.ts';
import { writeLines } from './output/write.ts';
import { useProxies } from './proxies.ts';

/** Options of every command. */
export type GlobalOptions = { server: string; asOrg?: string; reason?: string; json?: true };

/** One run of the program: credentials, client and output. */
export class Cli {
  readonly options: GlobalOptions;
  readonly credentials: string;
  #source: CredentialSource | undefined;

  constructor(options: GlobalOptions) {
    this.options = options;
    this.credentials = credentialsPath(process.env);
  }

  /** Client for an operator, or for a tenant's key where that suffices. */
  async operator(audience: Audience): Promise<FlowplateOperatorClient> {
    const { server, asOrg } = this.options;
    const apiKey = secretOf('FLOWPLATE_API_KEY');
    const login = await findLogin(this.credentials, server);
    const credential = chooseCredential(audience, { server, asOrg, apiKey, login });
    this.#source = credential === apiKey ? 'FLOWPLATE_API_KEY' : 'login';
    return this.as(credential);
  }

  /** Client with this credential, or with none. */
  as(credential: string | undefined): FlowplateOperatorClient {
    const { server, asOrg, reason } = this.options;
    return new FlowplateOperatorClient({ baseUrl: server, credential, asOrganization: asOrg, reason });
  }

  apiUserAdmin(): FlowplateOperatorClient {
    this.#requireOwnName('an API user');
    const adminKey = secretOf('FLOWPLATE_ADMIN_KEY');
    if (adminKey === undefined) {
      throw new UsageError('set FLOWPLATE_ADMIN_KEY to the key of an API user with the role admin (flapi_…)');
    }
    this.#source = 'FLOWPLATE_ADMIN_KEY';
    return this.as(adminKey);
  }

  masterKey(): FlowplateClient {
    this.#requireOwnName('a master key');
    const masterKey = secretOf('FLOWPLATE_MASTER_KEY');
    if (masterKey === undefined)
      throw new UsageError('set FLOWPLATE_MASTER_KEY to a master key (fl_master_…)');
    this.#source = 'FLOWPLATE_MASTER_KEY';
    return new FlowplateClient({ baseUrl: this.options.server, masterKey });
  }

  /**
   * Client for user keys: with the master key if set, otherwise as an operator, with fewer rights.
   */
  async keys(): Promise<KeysClient> {
    const isOperator = this.options.asOrg !== undefined || secretOf('FLOWPLATE_MASTER_KEY') === undefined;
    return isOperator ? operatorKeys(await this.operator('platform')) : masterKeyKeys(this.masterKey());
  }

  /** Adds to a refused credential where it came from. */
  explain(error: unknown): unknown {
    const isRefused = error instanceof FlowplateApiError && error.code === 'AUTHENTICATION_REQUIRED';
    return isRefused && this.#source !== undefined ? new CredentialRefused(this.#source, error) : error;
  }

  /** Prints the API's answer with --json, and sentences otherwise. */
  say(answer: unknown, ...sentences: string[]): void {
    if (this.options.json) this.printJson(answer);
    else writeLines(process.stdout, sentences);
  }

  /** Hints on stderr, so that piped output stays clean. */
  note(...sentences: string[]): void {
    writeLines(process.stderr, sentences);
  }

  #requireOwnName(who: string): void {
    if (this.options.asOrg !== undefined) throw new UsageError(`--as-org is for operators; ${who} is none`);
  }

  printJson(answer: unknown): void {
    process.stdout.write(`${printableJson(answer)}\n`);
  }

  printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    for (const line of tableLines(rows, columns)) process.stdout.write(`${line}\n`);
  }
}

export function secretOf(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}

/** Adapts an action to commander, which passes arguments first and options last. */
export function act<Args extends unknown[], Options>(
  work: (cli: Cli, options: Options, ...args: Args) => Promise<void>,
): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command;
    const args = received.slice(0, -2) as Args;
    const cli = new Cli(command.optsWithGlobals());
    useProxies(cli.options.server, process.env);
    await work(cli, command.opts() as Options, ...args).catch((error: unknown) => {
      throw cli.explain(error);
    });
  };
}
