import { type Denied, type GateOptions, type GateVerifier, judge, type Passed } from './gate.ts';
import { rememberVerdict } from './passed-requests.ts';

export type { Demands, GateOptions } from './gate.ts';
export { identityHeaders, verdictOf } from './passed-requests.ts';

/** As much of an Express request as is looked at. */
export type ExpressRequest = { rawHeaders: string[]; ip?: string | undefined };

export type ExpressResponse = {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
};

/**
 * Express middleware that lets in whoever brings a valid key in `X-API-Key` or `Authorization:
 * Bearer`; `verdictOf(req)` then says who it is. Everyone else gets the answer that Flowplate's
 * forward auth would give: 401, 403, 429, or 503 when nobody can tell.
 */
export function flowplateExpress<Request extends ExpressRequest>(
  verifier: GateVerifier,
  options: GateOptions<Request> = {},
): (req: Request, res: ExpressResponse, next: () => void) => void {
  const { demands = {}, readAddress = (req: Request) => req.ip } = options;
  return (req, res, next) => {
    const asked = typeof demands === 'function' ? demands(req) : demands;
    const finish = (outcome: Passed | Denied) => {
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
    if (outcome instanceof Promise) void outcome.then(finish);
    else finish(outcome);
  };
}
