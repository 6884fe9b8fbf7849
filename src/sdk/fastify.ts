import { type GateOptions, type GateVerifier, judge } from './gate.ts';
import { rememberVerdict } from './passed-requests.ts';

export type { Demands, GateOptions } from './gate.ts';
export { identityHeaders, verdictOf } from './passed-requests.ts';

/** As much of a Fastify request as is looked at. */
export type FastifyRequest = { raw: { rawHeaders: string[] }; ip: string };

export type FastifyReply = {
  code(status: number): FastifyReply;
  headers(values: Record<string, string>): FastifyReply;
  send(body: Uint8Array): FastifyReply;
};

/**
 * A Fastify hook (`onRequest`) that lets in whoever brings a valid key in `X-API-Key` or
 * `Authorization: Bearer`; `verdictOf(request)` then says who it is. Everyone else gets the answer
 * that Flowplate's forward auth would give: 401, 403, 429, or 503 when nobody can tell.
 */
export function flowplateFastify<Request extends FastifyRequest>(
  verifier: GateVerifier,
  options: GateOptions<Request> = {},
): (request: Request, reply: FastifyReply) => Promise<unknown> {
  const { demands = {}, readAddress = (request: Request) => request.ip } = options;
  return async (request, reply) => {
    const asked = typeof demands === 'function' ? demands(request) : demands;
    const outcome = await judge(verifier, request.raw.rawHeaders, { ...asked, ip: readAddress(request) });
    if (!outcome.isAllowed) {
      // As bytes: to the type of a text Fastify would add a charset, which this type does not have
      // (RFC 9457).
      return reply.code(outcome.status).headers(outcome.headers).send(Buffer.from(outcome.body));
    }
    reply.headers(outcome.headers);
    rememberVerdict(request, outcome.verdict);
  };
}
