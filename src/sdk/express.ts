import { type Denied, type GateOptions, type GateVerifier, judge, type Passed } from './gate.ts';
import { rememberVerdict } from './passed-requests.ts';

export type { Demands, GateOptions } from './gate.ts';
export { identityHeaders, verdictOf } from './passed-requests.ts';

/** The used part of an Express request. */
export type ExpressRequest = { rawHeaders: string[]; ip?: string | undefined };

export type ExpressResponse = {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
};

/**
 * Express middleware: admits requests with a valid key in `X-API-Key` or `Authorization: Bearer`;
 * `verdictOf(req)` then returns the verdict. All other requests get the answer of Flowplate's
 * forward auth: 401, 403, 429, or 503 when the key cannot be checked.
 */
export function flowplateExpress<Request extends ExpressRequest>(
  verifier: GateVerifier,
  options: GateOptions<Request> = {},
): (req: Request, res: ExpressResponse, next: (error?: unknown) => void) => void {
  const { demands = {}, readAddress = (req: Request) => req.ip } = options;
  return (req, res, next) => {
    const asked = typeof demands === 'function' ? demands(req) : demands;
    const finish = (outcome: Passed | Denied) => {
      // Somebody else has answered meanwhile, such as a time-out of the application.
      if (res.headersSent) return;
      for (const [name, value] of Object.entries(outcome.headers)) res.setHeader(name, value);
      if (outcome.isAllowed) {
        rememberVerdict(req, outcome.verdict);
        next();
        return;
      }
      res.statusCode = outcome.status;
      res.end(outcome.body);
    };
    const outcome = judge(verifier, req.rawHeaders, { ...asked, ip: readAddress(req) });
    if (outcome instanceof Promise) outcome.then(finish).catch(next);
    else finish(outcome);
  };
}
