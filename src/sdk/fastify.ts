import { type GateOptions, type GateVerifier, judge } from './gate.ts';
import { rememberVerdict } from './passed-requests.ts';

export type { Demands, GateOptions } from './gate.ts';
export { identityHeaders, verdictOf } from './passed-requests.ts';

/** The used part of a Fastify request. */
export type FastifyRequest = { raw: { rawHeaders: string[] }; ip: string };

export type FastifyReply = {
  code(status: number): FastifyReply;
  headers(values: Record<string, string>): FastifyReply;
  send(body: Uint8Array): FastifyReply;
};

/**
 * Fastify hook (`onRequest`): admits requests with a valid key in `X-API-Key` or `Authorization:
 * Bearer`; `verdictOf(request)` then returns the verdict. All other requests get the answer of
 * Flowplate's forward auth: 401, 403, 429, or 503 when the key cannot be checked.
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
      // As bytes: Fastify would add a charset to the type of a text, which this type does not have
      // (RFC 9457).
      return reply.code(outcome.status).headers(outcome.headers).send(Buffer.from(outcome.body));
    }
    reply.headers(outcome.headers);
    rememberVerdict(request, outcome.verdict);
  };
}
