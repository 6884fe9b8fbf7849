import { Cluster, type ClusterNode, type ClusterOptions, type Redis, type RedisOptions } from 'ioredis';
import { dropEndlessAnswers } from './answer-bytes.ts';
import { CommandWatch, type WatchedCommands } from './command-watch.ts';

/** Without `replyMapping`, a type parameter of its own in ioredis. */
export type ClusterSettings = Omit<ClusterOptions, 'redisOptions'> & {
  redisOptions: Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>;
};

/** ioredis's Cluster that drops a connection on which an answer never ends. */
export class BoundedCluster extends Cluster {
  readonly #startNodes: readonly ClusterNode[];
  /** Why the Cluster was not found, if it was not. */
  nodeError: Error | undefined;

  constructor(startNodes: readonly ClusterNode[], options: ClusterSettings) {
    // A node is connected to by the name that the Cluster tells, which its certificate holds.
    super([...startNodes], { ...options, dnsLookup: (name, callback) => callback(null, name) });
    this.#startNodes = startNodes;
    this.on('+node', (node: Redis) => node.on('connect', () => dropEndlessAnswers(node)));
    this.on('node error', (error: Error) => {
      this.nodeError = error;
    });
  }

  /** BullMQ's blocking connection is one of these. */
  override duplicate(startNodes: ClusterNode[] = [], override: ClusterOptions = {}): Cluster {
    const nodes = startNodes.length > 0 ? startNodes : this.#startNodes;
    const { redisOptions, ...options } = { ...this.options, ...override };
    const { replyMapping: _, ...ofNode } = { ...redisOptions } as RedisOptions;
    return new BoundedCluster(nodes, { ...options, redisOptions: ofNode });
  }
}

/**
 * A Cluster for the request path: time-outs as those of the single connection, and no waiting for a
 * master that is away. Its keys fail at once, those of the other masters go on.
 */
export class PatientCluster extends BoundedCluster {
  readonly #commands: CommandWatch;

  constructor(nodes: readonly ClusterNode[], options: ClusterSettings, watched: WatchedCommands) {
    super(nodes, options);
    this.#commands = new CommandWatch(watched, () => undefined);
    // ioredis connects with the first command, and would refuse all others until then.
    this.on('+node', (node: Redis) => {
      if (node.options.readOnly !== true) node.connect().catch(() => undefined);
    });
  }

  override sendCommand(...[command, stream, node]: Parameters<Cluster['sendCommand']>): unknown {
    this.#commands.watch(command);
    return super.sendCommand(command, stream, node);
  }
}
