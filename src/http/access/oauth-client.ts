import { FlowplateError } from '../../domain/errors.ts';
import { bearerToken } from '../../domain/forward-auth/presented-key.ts';
import type { MasterKeyPermission } from '../../domain/permission.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import { strangersMembersMax } from '../read-body.ts';
import type { Access } from './access.ts';
import type { MasterKeyAccessParts } from './identify-master-key.ts';
import { admitMasterKey } from './master-key.ts';

/**
 * Access rule: master key where OAuth clients send their secret: the password of HTTP Basic,
 * `client_secret` in the form, or `Bearer`. Our own headers and client certificates work too. User
 * name and `client_id` are ignored. A credential in a header, or a certificate, is checked before
 * the body is read; different ones are `AMBIGUOUS_CREDENTIALS`.
 */
export function oauthClient(
  permission: MasterKeyPermission,
): Access<MasterKeyAccessParts, MasterKeyPrincipal> {
  return {
    schemes: ['masterKey', 'masterKeyPassword', 'masterKeyBearer', 'clientCertificate'],
    needs: `Needs the permission \`${permission}\`.`,
    errors: ['AMBIGUOUS_CREDENTIALS', 'AUTHENTICATION_REQUIRED', 'INSUFFICIENT_PERMISSIONS'],
    areRefusalsAudited: false,
    async admit(parts, exchange, onKnown) {
      const inHeaders = theOne(headerCredentials(exchange.req.rawHeaders));
      if (inHeaders === undefined && !(await hasRule(parts, exchange))) {
        const inForm = await anonymousFormCredential(exchange);
        return admitMasterKey(parts, inForm, permission, exchange, onKnown);
      }
      const principal = await admitMasterKey(parts, inHeaders, permission, exchange, onKnown);
      // Beside a certificate, which is no text, any secret is a different credential.
      theOne([inHeaders ?? '', ...(await formCredentials(exchange))]);
      return principal;
    },
  };
}

/** Whether the client certificate of the connection is somebody's credential. */
async function hasRule(parts: MasterKeyAccessParts, { req, ip }: HttpExchange): Promise<boolean> {
  return (await parts.identifyCertificate(req.socket, ip)) !== undefined;
}

function theOne(credentials: readonly string[]): string | undefined {
  const [first, ...others] = new Set(credentials);
  if (others.length > 0) {
    const systemMessage = 'Different credentials were sent in headers or in the form';
    throw new FlowplateError('AMBIGUOUS_CREDENTIALS', { systemMessage });
  }
  return first;
}

/**
 * Credentials in the headers of a call, valid or not. An empty header counts as absent. A malformed
 * `Authorization` counts as a wrong credential, shown as an empty text.
 */
export function headerCredentials(rawHeaders: readonly string[]): string[] {
  const [masterKeys = [], apiKeys = [], authorizations = []] = pickHeaders(rawHeaders, [
    'x-flowplate-master-key',
    'x-api-key',
    'authorization',
  ]);
  const inAuthorization = authorizations.flatMap((text) => fromAuthorization(text) ?? []);
  return [...[...masterKeys, ...apiKeys].filter((key) => key !== ''), ...inAuthorization];
}

/** Undefined for another scheme, which belongs to a proxy in between. */
function fromAuthorization(authorization: string): string | undefined {
  const [basic, credentials = ''] = /^Basic(?: +(.*))?$/i.exec(authorization) ?? [];
  return basic === undefined ? bearerToken(authorization) : passwordOf(credentials.trimEnd());
}

/**
 * Name and password are form-urlencoded before they are joined (RFC 6749 §2.3.1); `oauth4webapi`
 * encodes even `_`.
 */
function passwordOf(credentials: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials)) return '';
  const [, encoded = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8')) ?? [];
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return '';
  }
}

/** `AUTHENTICATION_REQUIRED` also for a body that is no form, since it cannot hold a credential. */
async function anonymousFormCredential(exchange: HttpExchange): Promise<string> {
  try {
    const [credential] = await formCredentials(exchange, strangersMembersMax);
    if (credential !== undefined) return credential;
  } catch (error) {
    if (!(error instanceof FlowplateError) || error.code !== 'UNSUPPORTED_MEDIA_TYPE') throw error;
  }
  throw new FlowplateError('AUTHENTICATION_REQUIRED');
}

/** An empty value counts as absent (RFC 6749 §3.1). */
async function formCredentials({ form }: HttpExchange, membersMax?: number): Promise<string[]> {
  const { client_secret: secret = '' } = await form(membersMax);
  return secret === '' ? [] : [secret];
}
