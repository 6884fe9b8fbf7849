import { expect } from 'vitest';
import type { TestBroker } from './broker.ts';

/** A page as a browser gets it: where it leads to, and the cookies that it sets. */
export type Led = { status: number; location: string; cookies: Map<string, string>; setCookies: string[] };

/** Opens a page without following where it leads. */
export async function open(
  broker: Pick<TestBroker, 'url'>,
  path: string,
  headers: Record<string, string> = {},
): Promise<Led> {
  const answer = await fetch(`${broker.url}${path}`, { redirect: 'manual', headers });
  await answer.arrayBuffer();
  const setCookies = answer.headers.getSetCookie();
  const pairs = setCookies.map((text): [string, string] => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
    return [name, value];
  });
  return {
    status: answer.status,
    location: answer.headers.get('location') ?? '',
    cookies: new Map(pairs),
    setCookies,
  };
}

export const attemptCookie = 'flowplate-sign-in';

/** The first half of a sign-in: where the provider is asked, and what the browser keeps. */
export async function begin(broker: Pick<TestBroker, 'url'>, next = '/overview') {
  const led = await open(broker, `/platform/sign-in?next=${encodeURIComponent(next)}`);
  expect(led.status).toBe(303);
  const sealed = led.cookies.get(attemptCookie) ?? '';
  return { ...led, cookie: `${attemptCookie}=${sealed}` };
}

/** The second half. The cookie is that of the browser in which it happens. */
export function comeBack(
  broker: Pick<TestBroker, 'url'>,
  parameters: URLSearchParams,
  cookie: string,
): Promise<Led> {
  return open(broker, `/platform/sign-in/callback?${parameters}`, cookie === '' ? {} : { cookie });
}

export function reasonOf({ location }: Led): string | null {
  return new URL(location).searchParams.get('reason');
}
