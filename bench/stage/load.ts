import { type ChildProcess, spawn } from 'node:child_process';
import { projectRoot } from '../../scripts/services/project-root.ts';
import type { LoadJob, LoadResult } from '../load/jobs.ts';
import { pinTo } from './pin.ts';

type Reply = { result: LoadResult; fault?: never } | { result?: never; fault: string };

/** The process that makes load, on a core of its own. It stays for the whole run: a warm one measures more evenly. */
export class Load {
  readonly #child: ChildProcess;
  #onReply: (reply: Reply) => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply) => this.#onReply(reply as Reply));
    child.on('exit', () => this.#onReply({ fault: 'The load generator ended' }));
  }

  static async start(core: number): Promise<Load> {
    const [program = '', ...args] = [...(await pinTo(core)), process.execPath, 'bench/load-generator.ts'];
    return new Load(
      spawn(program, args, { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
  }

  /** One job at a time. */
  run(job: LoadJob): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      this.#onReply = ({ result, fault }) =>
        result === undefined ? reject(new Error(fault)) : resolve(result);
      this.#child.send(job);
    });
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
