import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { drain, listen } from '../../src/process/serve-http.ts';

/** One sign-in as the provider remembers it between its two halves. */
type Asked = { nonce: string; redirectUri: string; state: string };

export type ForgedTokens = {
  /** Claims of the ID token, over those of an honest one. */
  claims?: Record<string, unknown>;
  /** Changes the finished ID token. */
  forge?: (token: string) => string;
  userInfo?: Record<string, unknown>;
};

/**
 * A provider that says whatever a test wants, also what no honest one does. For honest sign-ins
 * there is a real one (test/http/sessions/sign-in-with-provider.test.ts).
 */
export async function startForgingProvider() {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const codes = new Map<string, Asked>();
  const next: ForgedTokens & { isDown: boolean } = { isDown: false };
  const server = createServer(async (req, res) => {
    const send = (body: unknown, status = 200) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (next.isDown) return send({ error: 'server_error' }, 503);
    if (req.url === '/.well-known/openid-configuration') return send(metadata());
    if (req.url === '/jwks') return send({ keys: [jwk] });
    if (req.url === '/userinfo') return send({ sub: next.claims?.sub, ...next.userInfo });
    const asked = codes.get(new URLSearchParams(Buffer.concat(chunks).toString()).get('code') ?? '');
    if (asked === undefined) return send({ error: 'invalid_grant' }, 400);
    return send({ access_token: 'at', token_type: 'Bearer', id_token: await idToken(asked) });
  });
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const metadata = () => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    userinfo_endpoint: `${url}/userinfo`,
    jwks_uri: `${url}/jwks`,
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
  });

  async function idToken({ nonce }: Asked): Promise<string> {
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: url,
      sub: 'subject-1',
      aud: 'flowplate',
      iat: seconds,
      exp: seconds + 300,
      nonce,
      groups: ['admins'],
      ...next.claims,
    };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey);
    return next.forge?.(token) ?? token;
  }

  return {
    url,
    next,
    /** The parameters with which an honest provider sends the browser back. */
    answer(location: string, code = 'code-1'): URLSearchParams {
      const asked = new URL(location).searchParams;
      const state = asked.get('state') ?? '';
      codes.set(code, {
        nonce: asked.get('nonce') ?? '',
        redirectUri: asked.get('redirect_uri') ?? '',
        state,
      });
      return new URLSearchParams({ code, state, iss: url });
    },
    forget: (code: string) => codes.delete(code),
    close: () => drain(server),
  };
}

export type ForgingProvider = Awaited<ReturnType<typeof startForgingProvider>>;
