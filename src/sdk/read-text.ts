import { unexpectedAnswer } from './api-error.ts';

/** The largest answer is a page of 1,000 audit events, some 2 MB. */
const answerBytesMax = 32 * 1024 * 1024;

/**
 * The body of an answer as text, up to a bound; `UNEXPECTED_ANSWER` beyond. `response.text()` has
 * none: some kilobytes of gzip from another service would fill the memory of a gateway.
 */
export async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax) throw unexpectedAnswer(response);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
