import { setTimeout as sleep } from 'node:timers/promises';
import { FlowplateUnreachableError } from './errors.ts';
import { type Call, pauseBefore, type Transport, toJson } from './transport.ts';

/** Few enough to be repeated after a broken connection. */
const linesMax = 1_000;
/** Half of what the API takes. */
const lengthMax = 4 * 1024 * 1024;

/** Answer to the request with this number, from 1. */
export type AnsweredLine = { number: number; text: string };

/**
 * Sends requests as bodies of lines (NDJSON) and yields the answer to each, in order. After a
 * broken connection the same body is sent again, and the answers that came before are passed over.
 * `callOf`: the call for a body, by the number of its first line. The bodies are the same for the
 * same requests.
 */
export async function* answeredLines(
  transport: Transport,
  retriesMax: number,
  requests: Iterable<object> | AsyncIterable<object>,
  callOf: (first: number) => Omit<Call, 'method' | 'body'>,
): AsyncGenerator<AnsweredLine, void, undefined> {
  let first = 1;
  for await (const lines of toBodies(requests)) {
    const call: Call = { ...callOf(first), method: 'POST', body: lines.join('') };
    let answered = 0;
    for (let retries = 0; answered < lines.length; retries++) {
      try {
        let place = 0;
        for await (const text of transport.lines(call)) {
          if (place++ < answered) continue;
          yield { number: first + answered++, text };
        }
        if (answered < lines.length) throw new FlowplateUnreachableError('network');
      } catch (error) {
        const pauseMs = retries < retriesMax ? pauseBefore(error, retries) : undefined;
        if (pauseMs === undefined) throw error;
        await sleep(pauseMs, undefined, { signal: call.signal });
      }
    }
    first += lines.length;
  }
}

async function* toBodies(
  requests: Iterable<object> | AsyncIterable<object>,
): AsyncGenerator<string[], void, undefined> {
  let lines: string[] = [];
  let length = 0;
  for await (const request of requests) {
    const line = `${toJson(request)}\n`;
    if (lines.length === linesMax || (lines.length > 0 && length + line.length > lengthMax)) {
      yield lines;
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  if (lines.length > 0) yield lines;
}
