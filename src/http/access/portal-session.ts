import { FlowplateError } from '../../domain/errors.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import type { Access } from './access.ts';
import { hasBearer } from './bearer.ts';
import { type PlatformAccessParts, platformCaller } from './platform-caller.ts';

/**
 * Access rule: an operator at the portal, by its cookie and from its own page (CSRF). A token or a
 * platform key in a header is refused, because a program must not answer in a person's place.
 */
export function portalSession(): Access<PlatformAccessParts, PlatformPrincipal> {
  const operator = platformCaller('nothing');
  return {
    ...operator,
    schemes: ['session'],
    needs: 'Open to every operator at the portal, and not to programs.',
    async admit(parts, exchange, onKnown) {
      const principal = await operator.admit(parts, exchange, onKnown);
      if (!hasBearer(exchange)) return principal;
      throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
        systemMessage: 'Only the page of the portal may ask for this, by its cookie',
      });
    },
  };
}
