import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { projectRoot } from '../../scripts/services/project-root.ts';
import type { EmbedJob, EmbedResult, LoadJob, LoadResult, RaceJob, RaceResult } from '../load/jobs.ts';
import { pinTo } from './pin.ts';

type Reply = { result: unknown; fault?: never } | { result?: never; fault: string };

type OnResult = (job: LoadJob, result: LoadResult) => void;

/**
 * Load-generator process on a core of its own. Kept for the whole run, since a warm one measures
 * more evenly.
 */
export class Load {
  readonly #child: ChildProcess;
  readonly #onResult: OnResult;
  #onReply: (reply: Reply) => void = () => undefined;

  private constructor(child: ChildProcess, onResult: OnResult) {
    this.#child = child;
    this.#onResult = onResult;
    child.on('message', (reply) => this.#onReply(reply as Reply));
    child.on('exit', () => this.#onReply({ fault: 'The load generator ended' }));
  }

  /** `niceness`: above 0 it yields to the measured process on the same core. */
  static async start(core: number, onResult: OnResult, niceness = 0): Promise<Load> {
    const [program = '', ...args] = [...(await pinTo(core)), process.execPath, 'bench/load-generator.ts'];
    const child = spawn(program, args, { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    if (niceness > 0 && child.pid !== undefined) setPriority(child.pid, niceness);
    return new Load(child, onResult);
  }

  /** One job at a time. */
  async run(job: LoadJob): Promise<LoadResult> {
    const result: LoadResult = await this.#send(job);
    this.#onResult(job, result);
    return result;
  }

  race(job: RaceJob): Promise<RaceResult> {
    return this.#send(job);
  }

  embed(job: EmbedJob): Promise<EmbedResult> {
    return this.#send(job);
  }

  #send<Result>(job: LoadJob | RaceJob | EmbedJob): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#onReply = ({ result, fault }) =>
        fault === undefined ? resolve(result as Result) : reject(new Error(fault));
      this.#child.send(job);
    });
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
