import { FlowplateError } from '../domain/errors.ts';
import { bodyBytesMax } from './read-body.ts';

/** Limits of a body of lines: it is held in memory until its lines have been answered. */
export const lineLimits = {
  linesMax: 10_000,
  bytesMax: 8 * 1024 * 1024,
  /** A line is the body of a single call. */
  lineBytesMax: bodyBytesMax,
} as const;

export type LineLimits = { linesMax: number; bytesMax: number; lineBytesMax: number };

/** `PAYLOAD_TOO_LARGE`, which names the limit that was exceeded. */
export function linesTooLarge(bound: keyof LineLimits, limit: number): FlowplateError {
  return new FlowplateError('PAYLOAD_TOO_LARGE', {
    systemMessage: sentences[bound](limit),
    details: { bound: names[bound], limit },
  });
}

const sentences: Record<keyof LineLimits, (limit: number) => string> = {
  linesMax: (limit) => `A body has at most ${limit} lines. This line and those after it were not handled`,
  bytesMax: (limit) => `A body has at most ${limit} bytes. This line and those after it were not handled`,
  lineBytesMax: (limit) => `A line has at most ${limit} bytes`,
};

const names: Record<keyof LineLimits, string> = {
  linesMax: 'lines_max',
  bytesMax: 'bytes_max',
  lineBytesMax: 'line_bytes_max',
};
