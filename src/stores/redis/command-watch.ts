import type { Command } from 'ioredis';
import { startDeadline } from '../../concurrency/deadline.ts';
import type { EndSpan } from '../../tracing/tracing.ts';

/** Why a command failed: no connection, no answer in time, or an answer that is an error. */
export type CommandFailure = 'unreachable' | 'late' | 'refused';

export type OnFailedCommand = (failure: CommandFailure, error: Error) => void;

export type WatchedCommands = {
  commandTimeoutMs: number;
  startSpan?: ((name: string) => EndSpan | undefined) | undefined;
  onFailedCommand?: OnFailedCommand | undefined;
};

class LateAnswer extends Error {}

/** Time-out, span and failure of each command of a connection. */
export class CommandWatch {
  readonly #watched: WatchedCommands;
  readonly #onLate: () => void;

  constructor(watched: WatchedCommands, onLate: () => void) {
    this.#watched = watched;
    this.#onLate = onLate;
  }

  /** Called just before the command is sent. */
  watch(command: Command): void {
    const { commandTimeoutMs, startSpan } = this.#watched;
    const endSpan = startSpan?.(command.name);
    if (endSpan !== undefined) command.promise.then(() => endSpan(), endSpan);
    const cancel = startDeadline(commandTimeoutMs, () => {
      command.reject(new LateAnswer('Command timed out'));
      this.#onLate();
    });
    command.promise.then(cancel, (error: Error) => {
      cancel();
      this.#tell(command, error);
    });
  }

  #tell({ name }: Command, error: Error): void {
    const { onFailedCommand } = this.#watched;
    // ioredis sends the text of a script when its digest is not known, and gives its name to
    // servers that are too old to be told.
    if (error.message.startsWith('NOSCRIPT') || name === 'client') return;
    onFailedCommand?.(failureOf(error), error);
  }
}

/** An error of the server begins with its code in capitals. */
const replyPattern = /^[A-Z]{3,}\b/;

function failureOf(error: Error): CommandFailure {
  if (error instanceof LateAnswer) return 'late';
  return error.name === 'ReplyError' || replyPattern.test(error.message) ? 'refused' : 'unreachable';
}
