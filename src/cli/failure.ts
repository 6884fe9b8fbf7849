import { CommanderError } from 'commander';
import { FlowplateApiError, FlowplateUnreachableError } from '../sdk/errors.ts';
import { proxyVariable } from './proxy-variable.ts';

/** Invalid input that the user can correct: exit code 2. */
export class UsageError extends Error {}

/** Refused without the server: exit code 1. */
export class Refusal extends Error {}

/** Ctrl-C at a prompt: exit code 128 plus the signal's number, as in shells. */
export class Interrupted extends Error {}

/** Where a credential came from: a variable, or the login in the credentials file. */
export type CredentialSource = 'FLOWPLATE_API_KEY' | 'FLOWPLATE_ADMIN_KEY' | 'FLOWPLATE_MASTER_KEY' | 'login';

/** The server does not know the credential. Names its source, because a person may have several. */
export class CredentialRefused extends Error {
  readonly source: CredentialSource;
  override readonly cause: FlowplateApiError;

  constructor(source: CredentialSource, cause: FlowplateApiError) {
    super(cause.message);
    this.source = source;
    this.cause = cause;
  }
}

export type Failure = { lines: string[]; exitCode: number };

/** Text and exit code of an error. Never a stack, and nothing of a request but its trace id. */
export function describeFailure(error: unknown, server: string): Failure {
  // Commander has printed it already; requested help is no error.
  if (error instanceof CommanderError) return { lines: [], exitCode: error.exitCode === 0 ? 0 : 2 };
  if (error instanceof Interrupted) return { lines: [], exitCode: 130 };
  if (error instanceof UsageError) return failure(error.message, 2);
  if (error instanceof CredentialRefused) {
    return failure(`${refusalText(error.cause, server)}. ${remedies[error.source]}`, 1);
  }
  if (error instanceof FlowplateApiError) return failure(refusalText(error, server), 1);
  if (error instanceof FlowplateUnreachableError) return failure(unreachableText(error, server), 1);
  return failure(error instanceof Error ? error.message : String(error), 1);
}

function failure(text: string, exitCode: number): Failure {
  return { lines: [`flowplate: ${text}`], exitCode };
}

function refusalText(error: FlowplateApiError, server: string): string {
  const { code, status, retryAfterSeconds } = error;
  const traceId = error.traceId === undefined ? '' : `, trace id: ${error.traceId}`;
  if (code === 'UNEXPECTED_ANSWER')
    return `${server} does not answer as Flowplate Keys does (status ${status}${traceId})${proxyHint(server)}`;
  const told = error.message.replace(`${code}: `, '');
  const later = retryAfterSeconds === undefined ? '' : `. Try again in ${retryAfterSeconds} s`;
  return `${told} (${code}${traceId})${later}`;
}

/** Remedies for a refused credential, by its source. The server tells no more, to be no oracle. */
const remedies: Record<CredentialSource, string> = {
  login: 'Your login has ended. Log in again: flowplate platform login',
  FLOWPLATE_API_KEY:
    'Check FLOWPLATE_API_KEY: its key is unknown to this server, or was rotated, revoked or has expired',
  FLOWPLATE_ADMIN_KEY:
    'Check FLOWPLATE_ADMIN_KEY: its key is unknown to this server, or was rotated, or its user is not active',
  FLOWPLATE_MASTER_KEY:
    'Check FLOWPLATE_MASTER_KEY: its key is unknown to this server, revoked or expired, or not allowed from this address',
};

function unreachableText({ reason, cause }: FlowplateUnreachableError, server: string): string {
  const code = codeOf(cause) ?? codeOf((cause as Error | undefined)?.cause);
  const why = code === undefined ? '' : ` (${code})`;
  const what = reason === 'timeout' ? 'did not answer in time' : `could not be reached${why}`;
  return `${server} ${what}${proxyHint(server)}`;
}

/** The proxy or the server may be down; they cannot be distinguished here. */
function proxyHint(server: string): string {
  const name = proxyVariable(server, process.env);
  return name === undefined ? '' : `. ${name} is set; NO_PROXY lists the hosts that are reached without it`;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
