import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { drain, listen } from '../../src/process/serve-http.ts';

export type Claims = Record<string, unknown>;
type Signing = { kid: string; alg: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK };

/** An issuer of workload tokens: it publishes keys over HTTP, and signs whatever a test wants. */
export async function startTokenIssuer(issuer = 'https://issuer.example') {
  const published: JWK[] = [];
  const state = { isDown: false, reads: 0 };
  const server = createServer((_req, res) => {
    state.reads++;
    if (state.isDown) return res.writeHead(500).end();
    return res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: published }));
  });
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}/jwks`;

  async function newKey(kid: string, alg = 'RS256'): Promise<Signing> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    return {
      kid,
      alg,
      privateKey,
      publicKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    };
  }

  const first = await newKey('k1');
  published.push(first.jwk);
  return {
    issuer,
    url,
    setting: `${issuer}=${url}`,
    state,
    published,
    first,
    newKey,
    /** An honest token but for the claims; undefined ones are left out. */
    sign(claims: Claims = {}, by: Signing = first, header: Record<string, unknown> = {}): Promise<string> {
      const seconds = Math.floor(Date.now() / 1_000);
      const whole = {
        iss: issuer,
        aud: 'flowplate',
        sub: 'system:serviceaccount:edge:gateway',
        iat: seconds,
        exp: seconds + 300,
      };
      return new SignJWT({ ...whole, ...claims })
        .setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
        .sign(by.privateKey);
    },
    close: () => drain(server),
  };
}

export type TokenIssuer = Awaited<ReturnType<typeof startTokenIssuer>>;
