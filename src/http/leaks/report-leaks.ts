import { z } from 'zod';
import { tokenHash } from '../../domain/leak-report.ts';
import { type LeakParts, receiveReport } from '../../usecases/leaks/receive-report.ts';
import { signedReport } from '../access/signed-report.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Scanners may send more members, now or later; none of them decides anything. */
const found = z.looseObject({
  token: z.string().min(1).max(4_096),
  type: z.string().max(128).optional().describe("The scanner's name for this kind of token"),
  url: z.string().optional().describe('Where it was found'),
  source: z.string().optional().describe('The kind of place, such as `content`'),
});

export const reportLeaksRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/leaks',
  operationId: 'reportLeaks',
  summary: 'Report keys that a scanner has found',
  description:
    'A body is signed as GitHub signs (`Github-Public-Key-Identifier`, `Github-Public-Key-Signature`), or by a named reporter: `x-flowplate-signature: reporter=<name>,t=<Unix seconds>,v1=<hex>` with HMAC-SHA-256 over the time, a full stop and the body, at most five minutes old. A reported key of a user is quarantined: refused at once, and revoked after an hour unless it is released (`LEAK_ACTION`). The answer says which tokens are keys of ours, in any state. A report counts once. The token itself is kept nowhere.',
  access: signedReport(),
  params: noParams,
  query: noQuery,
  body: z.array(found).min(1),
  success: {
    200: 'Carried out: no verifier accepts an ended key in a request that starts after this answer.',
    202: 'Committed; some verifier has not applied it yet.',
  },
  answer: z.array(
    z.strictObject({
      token_hash: z.string().describe('SHA-256 of the token, in hexadecimal digits'),
      token_type: z.string().optional().describe('As it was reported'),
      label: z.enum(['true_positive', 'false_positive']),
    }),
  ),
  errors: ['REPORT_ALREADY_RECEIVED'],
  async handle(parts: LeakParts, { body, caller }) {
    const { areOurs, isComplete } = await receiveReport(parts, caller, body);
    return {
      status: isComplete ? 200 : 202,
      body: body.map(({ token, type }, index) => ({
        token_hash: tokenHash(token),
        ...(type !== undefined && { token_type: type }),
        label: areOurs[index] === true ? ('true_positive' as const) : ('false_positive' as const),
      })),
    };
  },
});
