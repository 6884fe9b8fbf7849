import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { drain, listen } from '../../src/process/serve-http.ts';

/**
 * A real OpenID Connect provider on loopback, with its own login page. Whoever logs in there as
 * `<name>` is a member of these groups.
 */
export async function startRealProvider(client: { redirectUri: string; secret: string; groups: string[] }) {
  let answer: RequestListener | undefined;
  const server = createServer((req, res) => answer?.(req, res));
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'flowplate',
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    cookies: { keys: ['only for a test'] },
    jwks: { keys: [await exportJWK(privateKey)] },
    ttl: {
      Interaction: 600,
      Grant: 600,
      Session: 600,
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/log-in/${uid}` },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        name: `${sub} of the company`,
        email: `${sub}@example.com`,
        email_verified: true,
        groups: client.groups,
      }),
    }),
    // Companies consent once for everybody.
    loadExistingGrant: async (ctx) => {
      const { session, client: asking } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({
        accountId: session?.accountId ?? '',
        clientId: asking?.clientId ?? '',
      });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  });
  const rest = provider.callback();
  answer = (req, res) => void (req.url?.startsWith('/log-in/') ? logIn(provider, req, res) : rest(req, res));
  return { url, close: () => drain(server) };
}

/** The provider's own login page, which takes every name. */
async function logIn(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'GET') {
    res.setHeader('content-type', 'text/html');
    res.end('<form method="post"><input name="login"><button type="submit">Log in</button></form>');
    return;
  }
  const accountId = new URLSearchParams(await text(req)).get('login') ?? '';
  await provider.interactionFinished(req, res, { login: { accountId } });
}
