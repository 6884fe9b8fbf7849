import { z } from 'zod';
import type { PasswordLogin } from '../../domain/password-login.ts';
import { anybody } from '../access/anybody.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { signInPath } from './sign-in-pages.ts';

type SessionStateParts = {
  isPlatformBootstrapped(): Promise<boolean>;
  companySignIn: object | undefined;
  publicUrl: URL | undefined;
  passwordLogin: PasswordLogin;
};

export const getSessionRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/session',
  operationId: 'getSession',
  summary: 'How one logs in here',
  description:
    '`bootstrapped` is false until the first platform user is created with a tenant key. `provider_sign_in` is the page that leads to the identity provider; null without one. With `password_login` `break-glass`, passwords are for emergency accounts.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The state of the platform.' },
  answer: z.strictObject({
    bootstrapped: z.boolean(),
    provider_sign_in: z.string().nullable(),
    password_login: z.enum(['on', 'break-glass']),
  }),
  errors: [],
  async handle(parts: SessionStateParts) {
    const { companySignIn, publicUrl, passwordLogin } = parts;
    const page = companySignIn && publicUrl ? new URL(signInPath, publicUrl).href : null;
    return {
      status: 200,
      body: {
        bootstrapped: await parts.isPlatformBootstrapped(),
        provider_sign_in: page,
        password_login: passwordLogin,
      },
    };
  },
});
