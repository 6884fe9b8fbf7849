import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { readConfigOrExit } from '../src/config.ts';
import { type KeptAsideFlush, listSetAsideFlushes } from '../src/stores/postgres/usage/set-aside-flushes.ts';
import { openRedis } from '../src/stores/redis/client.ts';
import { putFlushBack } from '../src/usecases/usage/put-flush-back.ts';
import { mainRedis } from '../src/wire/redis-connections.ts';
import { type Broker, runAdmin } from './admin/open-broker.ts';

const usage = `Usage: node scripts/usage-flushes.ts <command>

  list               the usage flushes that could not be counted and were set aside, with the reason
  show NUMBER        one of them, as it was in Redis
  retry NUMBER…      hands these to the next roll-up once more
  retry --all        hands all of them to it

It reads the server's own environment: DATABASE_URL, REDIS_URL, FLOWPLATE_PEPPERS.`;

const pageSize = 100;
const redisMs = 5_000;

type Command = (broker: Broker) => Promise<void>;

await runAdmin(commandOf(process.argv.slice(2)), usage);

/** Undefined for what cannot be understood. */
function commandOf(args: readonly string[]): Command | undefined {
  const { all, positionals } = parse(args) ?? { all: false, positionals: [] };
  const [verb, ...rest] = positionals;
  const numbers = rest.map(Number);
  if (!numbers.every((number) => Number.isSafeInteger(number) && number > 0)) return undefined;
  if (verb === 'list' && rest.length === 0 && !all) return list;
  if (verb === 'show' && numbers.length === 1 && !all) return (broker) => show(broker, numbers);
  if (verb === 'retry' && all === (numbers.length === 0))
    return (broker) => retry(broker, all ? undefined : numbers);
  return undefined;
}

function parse(args: readonly string[]) {
  try {
    const options = { all: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    return { all: values.all, positionals };
  } catch {
    return undefined;
  }
}

async function list(broker: Broker): Promise<void> {
  let count = 0;
  for await (const flush of setAside(broker)) {
    count += 1;
    const { number, setAsideAt, flushId, payload, error } = flush;
    console.log(`${number}  ${setAsideAt.toISOString()}  ${flushId}  ${payload.length} bytes  ${error}`);
  }
  if (count === 0) console.log('No usage flush is set aside');
}

async function show(broker: Broker, numbers: readonly number[]): Promise<void> {
  for await (const flush of chosen(broker, numbers)) console.log(flush.payload.toString());
}

async function retry(broker: Broker, numbers: readonly number[] | undefined): Promise<void> {
  const config = readConfigOrExit();
  const connection = { ...mainRedis(config), commandTimeoutMs: redisMs };
  const redis = openRedis(connection, (error) => console.error(String(error)));
  try {
    if (redis.status !== 'ready') await once(redis, 'ready', { signal: AbortSignal.timeout(redisMs) });
    const flushes = numbers === undefined ? setAside(broker) : chosen(broker, numbers);
    for await (const flush of flushes) {
      await putFlushBack({ db: broker.db, redis }, flush);
      console.log(`${flush.number}  ${flush.flushId}  waits for the next roll-up`);
    }
  } finally {
    redis.disconnect();
  }
}

async function* setAside({ db }: Broker): AsyncGenerator<KeptAsideFlush> {
  for (let after = 0; ; ) {
    const page = await listSetAsideFlushes(db, after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.number;
  }
}

async function* chosen(broker: Broker, numbers: readonly number[]): AsyncGenerator<KeptAsideFlush> {
  for (const number of numbers) {
    const [flush] = await listSetAsideFlushes(broker.db, number - 1, 1);
    if (flush?.number === number) yield flush;
    else console.error(`No usage flush is set aside under ${number}`);
  }
}
