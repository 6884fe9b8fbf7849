import type { FollowerLine, HubLine } from '../domain/hub-lines.ts';

export type StreamOptions = {
  /** `ws:` or `wss:`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  signal: AbortSignal;
};

type Listener = { onLine: (line: HubLine) => void; onEnd: () => void };

/** Node takes headers beside the protocols, which browsers do not. */
type OpenWebSocket = new (url: string, options: { headers: StreamOptions['headers'] }) => WebSocket;

/** The kept stream to a hub, one WebSocket: lines of JSON both ways. */
export class HubStream {
  readonly #socket: WebSocket;
  /** Lines from before somebody listens. */
  #early: HubLine[] = [];
  #listener: Listener | undefined;
  #isOver = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#hear(data));
    socket.addEventListener('close', () => this.#end());
    socket.addEventListener('error', () => this.#end());
  }

  /**
   * Undefined when there is none: this runtime has no WebSocket, the broker knows no stream, a
   * proxy lets none through, or nothing answers in time.
   */
  static async open({ url, headers, timeoutMs, signal }: StreamOptions): Promise<HubStream | undefined> {
    if (typeof WebSocket === 'undefined' || signal.aborted) return undefined;
    const stream = new HubStream(new (WebSocket as OpenWebSocket)(url, { headers }));
    return (await stream.#hasBegun(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])))
      ? stream
      : undefined;
  }

  /** Whether the hub has said its name, before `signal` aborts. */
  async #hasBegun(signal: AbortSignal): Promise<boolean> {
    const line = await new Promise<HubLine | undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      this.#listener = { onLine: resolve, onEnd: () => resolve(undefined) };
      if (this.#isOver) resolve(undefined);
    });
    this.#listener = undefined;
    if (line !== undefined && 'hub_id' in line) return true;
    this.close();
    return false;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
    for (const line of this.#early.splice(0)) listener.onLine(line);
    if (this.#isOver) listener.onEnd();
  }

  send(line: FollowerLine): void {
    if (!this.#isOver) this.#socket.send(JSON.stringify(line));
  }

  close(): void {
    this.#socket.close();
    this.#end();
  }

  #hear(data: unknown): void {
    if (this.#isOver) return;
    const line = parse(data);
    if (line === undefined) this.close();
    else if (this.#listener === undefined) this.#early.push(line);
    else this.#listener.onLine(line);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener?.onEnd();
  }
}

/** Undefined for anything but a line, such as from a proxy that speaks for the broker. */
function parse(data: unknown): HubLine | undefined {
  try {
    const line: unknown = JSON.parse(String(data));
    return typeof line === 'object' && line !== null ? (line as HubLine) : undefined;
  } catch {
    return undefined;
  }
}
