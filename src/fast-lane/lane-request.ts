/** An answer that is there as a whole. `headers` are names and values in one flat list. */
export type LaneAnswer = {
  status: number;
  /** Before `headers`: header lines that `headerText` has made before. */
  firstLines?: string | undefined;
  headers: readonly string[];
  body: string;
  /** Then it is copied instead of encoded. */
  isAscii: boolean;
  /** The connection is closed behind it, without a word in its head. */
  isLast?: boolean;
};

/** Takes the answer to a request. */
export type TakeAnswer = (answer: LaneAnswer) => void;

/** `rawHeaders` has only the headers that the endpoint named, each once; a GET's body is empty. */
export type SentRequest = { method: string; url: string; rawHeaders: string[]; body: Buffer };

type Peer = { readonly remoteAddress?: string | undefined };

/**
 * A request that the lane has read whole. Shaped like node:http's `IncomingMessage`, so that the
 * same steps serve both.
 */
export class LaneRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly body: Buffer;
  readonly socket: Peer;
  #take: TakeAnswer | undefined;

  constructor({ method, url, rawHeaders, body }: SentRequest, peer: Peer, take: TakeAnswer) {
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.body = body;
    this.socket = peer;
    this.#take = take;
  }

  /** Built at each call, since almost nothing needs it. */
  get headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    for (let at = 0; at < this.rawHeaders.length; at += 2) {
      headers[this.rawHeaders[at] as string] = this.rawHeaders[at + 1] as string;
    }
    return headers;
  }

  /**
   * Sends the answer. A second one is an error: it would be taken for the answer to the next
   * request of the connection.
   */
  send(answer: LaneAnswer): void {
    const take = this.#take;
    if (take === undefined) throw new Error('A request has one answer');
    this.#take = undefined;
    take(answer);
  }
}
