import type { Socket } from 'node:net';
import type { AnswerText } from './answer-text.ts';
import type { KnownEndpoint } from './known-endpoint.ts';
import { type LaneAnswer, LaneRequest } from './lane-request.ts';
import { readRequest } from './read-request.ts';

export type ConnectionParts = {
  endpoints: readonly KnownEndpoint[];
  answerText: AnswerText;
  /** False while every request is for node:http. */
  isOpen: () => boolean;
  /** node:http takes the connection, from its next unread byte on. */
  toNodeHttp: (socket: Socket) => void;
  onLeave: (connection: LaneConnection) => void;
  /** Counts the rounds of the time-outs. */
  round: () => number;
};

/**
 * So many pipelined requests are answered before other connections get their turn: 16 take about
 * 0.2 ms.
 */
const requestsPerTurn = 16;

const nothing = Buffer.alloc(0);

/**
 * One connection while the lane has it. It is in one of these states:
 * - idle: everything that was read is answered. The socket flows.
 * - waiting: one request waits for its answer. The socket is paused, what was read behind it stays.
 * - resting: a turn is over and bytes are left, or the client does not take its answers. The socket
 *   is paused until the next turn, or until it drains.
 * - left: node:http has it, or it is closed.
 */
export class LaneConnection {
  readonly #parts: ConnectionParts;
  readonly #socket: Socket;
  #bytes: Buffer = nothing;
  #at = 0;
  #output = '';
  #isAscii = true;
  #isWaiting = false;
  #isEnding = false;
  #isInTurn = false;
  #hasLeft = false;
  #answers = 0;
  /** The round in which something was last read or taken. */
  #activeRound: number;

  constructor(parts: ConnectionParts, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
    this.#activeRound = parts.round();
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', ignore).on('close', this.#onClose);
  }

  /** Whether it has not asked for anything yet. */
  get isNew(): boolean {
    return this.#answers === 0 && this.isIdle;
  }

  get isIdle(): boolean {
    return !this.#isWaiting && this.#at === this.#bytes.length;
  }

  get idleRounds(): number {
    return this.#parts.round() - this.#activeRound;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** After what is written. */
  close(): void {
    this.#isEnding = true;
    this.#socket.destroySoon();
  }

  /** Says what is wrong, and closes. */
  refuse(text: string): void {
    this.#socket.write(text, 'latin1');
    this.close();
  }

  readonly #onData = (chunk: Buffer): void => {
    // Behind the last answer nothing is read, and nothing keeps the connection alive.
    if (this.#isEnding) return;
    this.#activeRound = this.#parts.round();
    this.#bytes = chunk;
    this.#at = 0;
    this.#takeTurn();
  };

  /** The client sends no more: a half-open connection ends like one of node:http's. */
  readonly #onEnd = (): void => {
    this.#socket.end();
  };

  readonly #onClose = (): void => {
    this.#leave();
  };

  readonly #goOn = (): void => {
    if (this.#hasLeft) return;
    this.#activeRound = this.#parts.round();
    this.#takeTurn();
  };

  #takeTurn(): void {
    this.#isInTurn = true;
    let isKnown = true;
    for (let left = requestsPerTurn; left > 0 && isKnown && this.#hasNext(); left--)
      isKnown = this.#answerNext();
    this.#isInTurn = false;
    const isTaken = this.#flush();
    if (this.#isEnding) this.#socket.destroySoon();
    else if (!isKnown) this.#handOver();
    else if (this.#isWaiting) this.#socket.pause();
    else if (!isTaken) this.#rest(() => this.#socket.once('drain', this.#goOn));
    else if (!this.isIdle) this.#rest(() => setImmediate(this.#goOn));
    else this.#becomeIdle();
  }

  #hasNext(): boolean {
    return !this.#isWaiting && !this.#isEnding && this.#at < this.#bytes.length;
  }

  /** False when the next request is for node:http. */
  #answerNext(): boolean {
    const { endpoints, isOpen } = this.#parts;
    const read = isOpen() ? readRequest(endpoints, this.#bytes, this.#at) : undefined;
    if (read === undefined) return false;
    this.#at = read.end;
    this.#isWaiting = true;
    read.known.endpoint.answer(new LaneRequest(read, this.#socket, this.#take));
    return true;
  }

  readonly #take = (answer: LaneAnswer): void => {
    this.#isWaiting = false;
    if (this.#hasLeft) return;
    this.#answers++;
    this.#isEnding = answer.isLast === true;
    this.#output += this.#parts.answerText.of(answer);
    this.#isAscii &&= answer.isAscii;
    // What came later than its turn goes on from here.
    if (!this.#isInTurn) this.#goOn();
  };

  /** False when the client is behind in taking its answers. */
  #flush(): boolean {
    if (this.#output === '') return !this.#socket.writableNeedDrain;
    const output = this.#output;
    const encoding = this.#isAscii ? 'latin1' : 'utf8';
    this.#output = '';
    this.#isAscii = true;
    return this.#socket.write(output, encoding);
  }

  #rest(until: () => void): void {
    this.#socket.pause();
    until();
  }

  #becomeIdle(): void {
    this.#bytes = nothing;
    this.#at = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** For good: the unread bytes go back, and the lane forgets the connection. */
  #handOver(): void {
    const socket = this.#socket;
    const unread = this.#bytes.subarray(this.#at);
    this.#leave();
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', ignore).off('close', this.#onClose);
    socket.unshift(unread);
    this.#parts.toNodeHttp(socket);
    socket.resume();
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#parts.onLeave(this);
  }
}

/** The socket closes itself after an error. */
function ignore(): void {}
