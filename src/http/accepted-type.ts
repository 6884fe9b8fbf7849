import type { IncomingMessage } from 'node:http';
import accepts from 'accepts';
import type { RequestHead } from './request-head.ts';

/** Longer than any browser or library sends. Sorting 16 KiB of ranges takes 5 ms. */
const acceptLengthMax = 500;

/**
 * Content negotiation (RFC 9110 §12.5.1): the one of `offered` that the caller prefers, or false.
 * Parameters except `q` are ignored: `application/json; charset=utf-8` asks for JSON. A header that
 * is too long is disregarded, as that section allows.
 */
export function acceptedType(req: Pick<RequestHead, 'headers'>, offered: string[]): string | false {
  const { accept = '*/*' } = req.headers;
  const [first = ''] = offered;
  if (accept === '*/*' || accept === '' || accept === first || accept.length > acceptLengthMax) return first;
  const headers = { accept: accept.split(',').map(withoutParameters).join(',') };
  return accepts({ headers } as IncomingMessage).types(offered) as string | false;
}

function withoutParameters(range: string): string {
  const [type = '', ...parameters] = range.split(';');
  const weight = parameters.find((parameter) => /^\s*q\s*=/i.test(parameter));
  return weight === undefined ? type : `${type};${weight}`;
}
