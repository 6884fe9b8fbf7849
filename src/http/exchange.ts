import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { ReadAddress } from './caller-address.ts';
import { type FormMembers, readFormBody } from './read-body.ts';
import { contextOf } from './request-context.ts';

/** One request and its answer, however it was dispatched: by Express, or directly by a door. */
export type HttpExchange = {
  req: IncomingMessage;
  res: ServerResponse;
  params: unknown;
  query: unknown;
  requestId: string;
  /**
   * The members of a form body. Read once, on the first call, which may bound their number: on some
   * routes they also say who calls.
   */
  form: (membersMax?: number) => Promise<FormMembers>;
  /** The caller's address; asked only for master keys with an address list. */
  ip: () => string | undefined;
  /** Tells who it was, once that is known. */
  onPrincipal: (principalId: string) => void;
  /** Whether `onPrincipal` was called. Strangers get small bodies and paced refusals. */
  isCallerKnown: () => boolean;
};

export function fromExpress(req: Request, res: Response, readAddress: ReadAddress): HttpExchange {
  const context = contextOf(res);
  return {
    req,
    res,
    params: req.params,
    query: req.query,
    requestId: context.requestId,
    form: formReader(req),
    ip: () => readAddress(req),
    onPrincipal: (principalId) => {
      context.principalId = principalId;
    },
    isCallerKnown: () => context.principalId !== undefined,
  };
}

/** Single flight over the body: a stream can be read only once. */
export function formReader(req: IncomingMessage): HttpExchange['form'] {
  let members: Promise<FormMembers> | undefined;
  return (membersMax) => {
    members ??= readFormBody(req, membersMax);
    return members;
  };
}
