const headEnd = Buffer.from('\r\n\r\n');

export type HttpAnswer = { status: number; bytes: Buffer };

/**
 * Minimal HTTP parser for the answers of one keep-alive connection. A full HTTP client would be
 * slower than the server. Supports `Content-Length` only, no chunks.
 */
export class AnswerReader {
  #bytes: Buffer | undefined;

  /** The answer that `chunk` completes, or undefined. */
  push(chunk: Buffer): HttpAnswer | undefined {
    const bytes = this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
    const headLength = bytes.indexOf(headEnd);
    if (headLength >= 0) {
      const bodyLength = contentLength(bytes.toString('latin1', 0, headLength));
      if (bytes.length >= headLength + headEnd.length + bodyLength) {
        this.#bytes = undefined;
        return { status: Number(bytes.toString('latin1', 9, 12)), bytes };
      }
    }
    this.#bytes = bytes;
    return undefined;
  }
}

function contentLength(head: string): number {
  const found = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (found === undefined) throw new Error(`An answer without Content-Length:\n${head}`);
  return Number(found);
}
