import createClient from 'openapi-fetch';
import { insideHeaders } from '../sessions/inside.ts';
import { askForStepUp } from '../sessions/step-up.ts';
import { faultOf } from './fault.ts';
import type { components, paths } from './schema.d.ts';

/** CSRF header. Without it the session cookie does not count for changes. */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  headers: { 'X-Flowplate-Portal': '1' },
});

/** Changes under way, to be sent again after a step-up: a body can be read once. */
const copies = new Map<string, Request>();

api.use({
  onRequest({ request, schemaPath, id }) {
    for (const [name, value] of Object.entries(insideHeaders(schemaPath))) request.headers.set(name, value);
    if (request.method !== 'GET') copies.set(id, request.clone());
  },
  async onResponse({ response, id }) {
    const copy = copies.get(id);
    copies.delete(id);
    if (copy === undefined || !(await wantsStepUp(response)) || !(await askForStepUp())) return undefined;
    return fetch(copy);
  },
  onError({ id }) {
    copies.delete(id);
  },
});

async function wantsStepUp(response: Response): Promise<boolean> {
  if (response.status !== 403) return false;
  return (
    faultOf(
      403,
      await response
        .clone()
        .json()
        .catch(() => undefined),
    ).code === 'STEP_UP_REQUIRED'
  );
}

export type User = components['schemas']['PlatformUser'];
export type Role = components['schemas']['Role'];

/** Answer of a GET on this path. */
export type Get<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

type Called<T> = { data?: T; error?: unknown; response: Response };

/** The API's answer; throws an `ApiFault` for anything but a success. */
export async function answerTo<T>(call: Promise<Called<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw faultOf(response.status, error);
  return data as T;
}

/** A page of a bare array, with the cursor from its `Link` header. */
export async function pageOf<T>(
  call: Promise<Called<T[]>>,
): Promise<{ items: T[]; next: string | undefined }> {
  const called = await call;
  const items = await answerTo(Promise.resolve(called));
  const [, address] = /<([^>]+)>; rel="next"/.exec(called.response.headers.get('link') ?? '') ?? [];
  const next =
    address === undefined ? null : new URL(address, window.location.origin).searchParams.get('cursor');
  return { items, next: next ?? undefined };
}
