import { type MaybeLater, mapMaybe, tryMaybe } from '../../concurrency/maybe-later.ts';
import { outcomeOfError } from '../../domain/outcome-of-error.ts';
import type { VerificationEndpoint } from '../../domain/verification.ts';
import type { VerificationMeter } from '../../verify/verification-meter.ts';
import type { HttpExchange } from '../exchange.ts';
import { type Route, type RouteParts, serve } from '../route.ts';

export type MeterParts = {
  /** Counts and times what gateways ask. */
  verifications: Pick<VerificationMeter<VerificationEndpoint>, 'startMs' | 'end' | 'count' | 'time'>;
};

/**
 * `serve`, and for a verification endpoint the time that it took. The route itself counts its
 * verdicts; a request that is answered with an error is counted here.
 */
export function serveMetered<Parts extends RouteParts & MeterParts>(
  parts: Parts,
  route: Route<Parts>,
  exchange: HttpExchange,
): MaybeLater<void> {
  const { endpoint } = route;
  if (endpoint === undefined) return serve(parts, route, exchange);
  const startedMs = parts.verifications.startMs();
  const served = tryMaybe(
    () => serve(parts, route, exchange),
    (error) => {
      parts.verifications.end(endpoint, outcomeOfError(error), startedMs);
      throw error;
    },
  );
  return mapMaybe(served, () => parts.verifications.time(endpoint, 'decided', startedMs));
}
