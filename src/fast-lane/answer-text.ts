import { STATUS_CODES } from 'node:http';
import { headerText } from '../domain/header-text.ts';
import type { LaneAnswer } from './lane-request.ts';

/** The head and body of an answer as node:http writes them, for a connection that stays open. */
export class AnswerText {
  readonly #keepAlive: string;
  #second = -1;
  #tail = '';
  readonly #statusLines = new Map<number, string>();

  constructor(idleSeconds: number) {
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${idleSeconds}\r\n\r\n`;
  }

  of({ status, firstLines = '', headers, body }: LaneAnswer): string {
    return this.#statusLine(status) + firstLines + headerText(headers) + this.#end() + body;
  }

  #statusLine(status: number): string {
    let line = this.#statusLines.get(status);
    if (line === undefined) {
      line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
      this.#statusLines.set(status, line);
    }
    return line;
  }

  /** `Date` changes once a second. */
  #end(): string {
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#tail = `\r\nDate: ${new Date(second * 1_000).toUTCString()}\r\n${this.#keepAlive}`;
    }
    return this.#tail;
  }
}
