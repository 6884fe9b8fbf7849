import type { z } from 'zod';
import type { MintParts } from '../../usecases/user-keys/mint-key.ts';
import { mintKeys } from '../../usecases/user-keys/mint-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { defineLinesRoute } from '../define-lines-route.ts';
import { noParams, noQuery } from '../fields.ts';
import { lineLimits } from '../line-limits.ts';
import { mintBody } from './key-schemas.ts';
import { mintAnswer, mintErrors, mintRequestOf, toMintAnswer } from './mint-key.ts';

const { linesMax, bytesMax, lineBytesMax } = lineLimits;

export const mintKeysRoute = defineLinesRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys/batch',
  operationId: 'mintKeys',
  summary: 'Mint many keys in one request',
  description: `The body has one mint body a line (\`application/x-ndjson\`): at most ${linesMax} lines and ${bytesMax} bytes, a line at most ${lineBytesMax} bytes. The answer has one line for each line of the body, in order, written as the keys are committed: what the single call would answer, or its error envelope. A line that fails changes nothing for the others. A body beyond a limit is handled up to there, and its last answer is \`PAYLOAD_TOO_LARGE\`. The \`Idempotency-Key\` covers each line by its number: after a broken connection the same key with the same lines gives the same secrets. The request counts once for the rate limit of management, however many lines it has; bounds of the master key count each line. A process handles eight such requests at once, four of one caller; more are refused with 503 \`OVERLOADED\`.`,
  access: masterKey('keys:mint'),
  params: noParams,
  query: noQuery,
  body: mintBody,
  success: { 200: 'One answer or error a line. The secrets are in this answer and nowhere else.' },
  answer: mintAnswer,
  errors: mintErrors,
  idempotent: true,
  async handleLines(parts: MintParts, { caller }, lines) {
    const mints = lines.map(({ body, idempotency }) => ({
      request: mintRequestOf(parts, body),
      idempotency,
    }));
    const outcomes = await mintKeys(parts, caller, mints);
    return lines.map(({ body }, index) => answerOf(body, outcomes[index]));
  },
});

type Outcome = Awaited<ReturnType<typeof mintKeys>>[number];

function answerOf(body: z.output<typeof mintBody>, outcome: Outcome | undefined) {
  if (outcome?.status === 'fulfilled') {
    return { status: 'fulfilled' as const, value: toMintAnswer(body, outcome.value.answer) };
  }
  return { status: 'rejected' as const, reason: outcome?.reason };
}
