import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { ReadAddress } from './caller-address.ts';
import { type FormMembers, type ReadBytes, readFormBody, streamReader } from './read-body.ts';
import { contextOf, type NewRequestId, readRequestId } from './request-context.ts';
import type { RequestHead } from './request-head.ts';
import { type SendWhole, wholeSender } from './send-whole.ts';

/**
 * A request and its answer, independent of the dispatcher: Express, a fast endpoint on node:http,
 * or the fast lane.
 */
export type HttpExchange = {
  req: RequestHead;
  params: unknown;
  query: unknown;
  requestId: string;
  /** Reads the body, once. */
  readBytes: ReadBytes;
  /** Sends an answer that is there as a whole. */
  send: SendWhole;
  /** For streamed answers and long polls; the fast lane has neither. */
  res: () => ServerResponse;
  /**
   * The members of a form body. Read once, on the first call, which may bound their number: on some
   * routes they also say who calls.
   */
  form: (membersMax?: number) => Promise<FormMembers>;
  /** Caller's address; needed for master keys with an address list only. */
  ip: () => string | undefined;
  /** Tells who it was, once that is known. */
  onPrincipal: (principalId: string) => void;
  /** Whether `onPrincipal` was called. Strangers get small bodies and paced refusals. */
  isCallerKnown: () => boolean;
};

/** Input of a fast endpoint: no parameters and no query, so there is nothing to validate. */
export const noInput = Object.freeze({});

export function fromExpress(req: Request, res: Response, readAddress: ReadAddress): HttpExchange {
  const context = contextOf(res);
  return {
    req,
    params: req.params,
    query: req.query,
    requestId: context.requestId,
    ...nodeBodies(req, res),
    ip: () => readAddress(req),
    onPrincipal: (principalId) => {
      context.principalId = principalId;
    },
    isCallerKnown: () => context.principalId !== undefined,
  };
}

/** How a request's body is received, and its answer sent. */
export type Bodies = Pick<HttpExchange, 'readBytes' | 'send' | 'res' | 'form'>;

/** An exchange outside of Express, which has no parameters and no query. */
export function plainExchange(
  { newRequestId, readAddress }: { newRequestId: NewRequestId; readAddress: ReadAddress },
  req: RequestHead,
  bodies: Bodies,
): HttpExchange {
  let isCallerKnown = false;
  return {
    req,
    params: noInput,
    query: noInput,
    requestId: readRequestId(req, newRequestId),
    ...bodies,
    ip: () => readAddress(req),
    onPrincipal: () => {
      isCallerKnown = true;
    },
    isCallerKnown: () => isCallerKnown,
  };
}

/** How node:http receives and sends bodies. */
export function nodeBodies(req: IncomingMessage, res: ServerResponse): Bodies {
  const readBytes = streamReader(req);
  return { readBytes, send: wholeSender(req, res), res: () => res, form: formReader(req, readBytes) };
}

/** Single flight for the body, because a stream can be read only once. */
function formReader(req: RequestHead, readBytes: ReadBytes): HttpExchange['form'] {
  let members: Promise<FormMembers> | undefined;
  return (membersMax) => {
    members ??= readFormBody({ req, readBytes }, membersMax);
    return members;
  };
}
