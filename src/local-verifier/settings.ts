import { Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { type ListenAddress, parseListenAddress } from './listen-address.ts';

/** The options of `flowplate-verifier`. */
export type Settings = {
  listen: readonly ListenAddress[];
  grpc: readonly ListenAddress[];
  /** Base URLs, in the order in which they are tried. */
  brokers: readonly [string, ...string[]];
  masterKeyFile: string;
  metrics: { host: string; port: number } | undefined;
  /** Undefined: a socket with mode 0660 is trusted. */
  trustListener: boolean | undefined;
  /** Whether plain requests are answered without Node's HTTP server. */
  fastLane: boolean;
};

type Parsed = Omit<Settings, 'brokers' | 'listen' | 'grpc'> & {
  listen?: ListenAddress[];
  grpc?: ListenAddress[];
  broker: [string, ...string[]];
};

/**
 * Reads the command line. On wrong use it prints one line and throws a `CommanderError`, whose exit
 * code is 0 after `--help` and `--version`.
 */
export function readSettings(args: readonly string[]): Settings {
  const program = newProgram();
  program.parse(args, { from: 'user' });
  const { listen = [], grpc = [], broker, ...others } = program.opts<Parsed>();
  if (listen.length + grpc.length === 0) {
    program.error("error: one of '--listen <address>' and '--grpc <address>' is needed");
  }
  return {
    ...others,
    metrics: others.metrics,
    trustListener: others.trustListener,
    listen,
    grpc,
    brokers: broker,
  };
}

function newProgram(): Command {
  return new Command('flowplate-verifier')
    .description(
      'Verifies keys beside a gateway, from memory, with the answers of Flowplate Keys: forward auth, JSON, and ext_authz of Envoy.',
    )
    .version(manifest.version)
    .option('--listen <address>', 'unix:/path or host:port for HTTP; repeatable', repeated(listenAddress))
    .option('--grpc <address>', 'unix:/path or host:port for ext_authz; repeatable', repeated(listenAddress))
    .addOption(
      new Option('--broker <url>', 'where Flowplate Keys is; repeatable: the next one is used when one fails')
        .argParser(repeated(brokerUrl))
        .makeOptionMandatory(),
    )
    .requiredOption('--master-key-file <path>', 'file with the master key of this gateway')
    .option('--metrics <address>', 'host:port for /metrics', metricsAddress)
    .option(
      '--trust-listener',
      'ask no master key on unix sockets (default with mode 0660; TCP always asks for one)',
    )
    .option('--no-trust-listener', 'ask for the master key on unix sockets too')
    .option('--no-fast-lane', "answer every request through Node's HTTP server")
    .addHelpText('after', example)
    .exitOverride();
}

const example = `
Example:
  flowplate-verifier --listen unix:/run/flowplate/verifier.sock \\
    --broker https://keys.internal:9123 --master-key-file /run/secrets/gateway-key

Exit: 0 stopped, 1 could not start, 2 wrong use.`;

/** Collects the values of an option that may stand there several times. */
function repeated<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

function listenAddress(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError('It must be unix:/absolute/path or host:port.');
}

function metricsAddress(text: string): { host: string; port: number } {
  const address = listenAddress(text);
  if ('host' in address) return address;
  throw new InvalidArgumentError('It must be host:port.');
}

function brokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === '');
  if (!isPlain) throw new InvalidArgumentError('It must be an http(s) URL without user, query and fragment.');
  return url.href.replace(/\/+$/, '');
}
