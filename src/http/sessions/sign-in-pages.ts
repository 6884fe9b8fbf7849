import { type Request, type RequestHandler, type Response, Router } from 'express';
import { readUserAgent } from '../../domain/user-agent.ts';
import { ProviderFault } from '../../oidc/provider-fault.ts';
import { type BeginParts, beginProviderSignIn } from '../../usecases/sessions/begin-provider-sign-in.ts';
import {
  type CompanySignIn,
  type FinishParts,
  finishProviderSignIn,
  type SignInRefusal,
} from '../../usecases/sessions/finish-provider-sign-in.ts';
import { cookieFor, readCookieValue } from '../access/cookies.ts';
import { isNotFromElsewhere } from '../access/own-page.ts';
import type { PlatformAccessParts } from '../access/platform-caller.ts';
import { readSessionCookie, sessionCookie } from '../access/session-cookie.ts';
import type { ReadAddress } from '../caller-address.ts';
import { contextOf } from '../request-context.ts';

export type SignInParts = BeginParts &
  FinishParts & {
    /** Undefined where nobody signs in with an identity provider. */
    companySignIn: (CompanySignIn & { publicUrl: URL }) | undefined;
    readAddress: ReadAddress;
    identifySession: PlatformAccessParts['identifySession'];
  };

type Configured = Omit<SignInParts, 'companySignIn'> & {
  companySignIn: NonNullable<SignInParts['companySignIn']>;
};

export const signInPath = '/platform/sign-in';
export const callbackPath = '/platform/sign-in/callback';

const names = { secure: '__Host-flowplate-sign-in', local: 'flowplate-sign-in' };
/** Lax: the callback is a navigation that another site causes, which Strict would leave out. */
const attributes = 'Path=/; HttpOnly; SameSite=Lax';
const sealedPattern = /^[\w-]{1,2000}$/;
const attemptSeconds = 600;

/**
 * Sign-in with the identity provider, as pages for a browser: to the provider, and back from it.
 * Every outcome is a redirect inside the portal, also a refusal. They are no API, so they are not
 * in its document.
 */
export function signInPages(parts: SignInParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { companySignIn } = parts;
  if (companySignIn === undefined) return router;
  const configured = { ...parts, companySignIn };
  router.get(signInPath, toProvider(configured));
  router.get(callbackPath, fromProvider(configured));
  return router;
}

function toProvider(parts: Configured): RequestHandler {
  const { provider, publicUrl } = parts.companySignIn;
  return async (req, res) => {
    // Another site must not begin a sign-in for a person.
    if (!isNotFromElsewhere(req)) return redirect(res, publicUrl, '/login');
    try {
      const query = queryOf(req);
      const confirms = query.has('confirm') ? await sessionOf(parts, req) : undefined;
      if (query.has('confirm') && confirms === undefined) return redirect(res, publicUrl, '/login');
      const wanted = { next: query.get('next'), confirms };
      const { location, sealed } = await beginProviderSignIn(parts, provider, wanted);
      res.append(
        'Set-Cookie',
        cookieFor(publicUrl, names, sealed, `Max-Age=${attemptSeconds}; ${attributes}`),
      );
      redirectTo(res, location.href);
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      parts.onProviderFault(error);
      refuse(res, publicUrl, 'unavailable');
    }
  };
}

function fromProvider(parts: Configured): RequestHandler {
  const { companySignIn, readAddress } = parts;
  const { publicUrl } = companySignIn;
  return async (req, res) => {
    const outcome = await finishProviderSignIn(parts, companySignIn, {
      answer: queryOf(req),
      sealed: readCookieValue(req, names, sealedPattern),
      client: { address: readAddress(req), userAgent: readUserAgent(req.headers['user-agent']) },
      requestId: contextOf(res).requestId,
    });
    res.append('Set-Cookie', cookieFor(publicUrl, names, '', `Max-Age=0; ${attributes}`));
    if (typeof outcome === 'string') return refuse(res, publicUrl, outcome);
    const { session } = outcome;
    if (session !== undefined) {
      res.append('Set-Cookie', sessionCookie(publicUrl, session.token, session.expiresAt));
    }
    redirect(res, publicUrl, outcome.next);
  };
}

/** The session of this browser, which the callback cannot see: its cookie is Strict. */
async function sessionOf({ identifySession }: Configured, req: Request): Promise<string | undefined> {
  const token = readSessionCookie(req);
  return token === undefined ? undefined : ((await identifySession(token))?.sessionId ?? undefined);
}

function queryOf(req: Request): URLSearchParams {
  return new URL(req.url, 'http://path').searchParams;
}

function refuse(res: Response, publicUrl: URL, refusal: SignInRefusal): void {
  redirect(res, publicUrl, `/login?reason=provider-${refusal}`);
}

/** `path` is the portal's own. The host is the configured one, never that of the request. */
function redirect(res: Response, publicUrl: URL, path: string): void {
  redirectTo(res, `${publicUrl.origin}/platform${path}`);
}

/** Without a body, which would repeat the address with its code. */
function redirectTo(res: Response, location: string): void {
  res.set('Cache-Control', 'no-store').set('Location', location).status(303).end();
}
