import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { ReadAddress } from './caller-address.ts';
import { type FormMembers, readFormBody } from './read-body.ts';
import { contextOf } from './request-context.ts';

/** A request and its response, independent of the dispatcher: Express, or a fast endpoint. */
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

/** Single flight for the body, because a stream can be read only once. */
export function formReader(req: IncomingMessage): HttpExchange['form'] {
  let members: Promise<FormMembers> | undefined;
  return (membersMax) => {
    members ??= readFormBody(req, membersMax);
    return members;
  };
}
