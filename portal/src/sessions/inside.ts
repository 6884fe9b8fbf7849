/** The tenant that this operator works inside of, in this tab alone. */
export type Inside = { operatorId: string; id: string; name: string; reason: string };

const place = 'flowplate.inside';

/**
 * Undefined for anybody but the operator who has entered: the next one to log in on this tab stands
 * outside.
 */
export function insideOf(operatorId: string): Inside | undefined {
  const inside = readInside();
  return inside?.operatorId === operatorId ? inside : undefined;
}

export function enter(inside: Inside): void {
  sessionStorage.setItem(place, JSON.stringify(inside));
}

export function leave(): void {
  sessionStorage.removeItem(place);
}

/**
 * What a call about a tenant's own things carries. The server checks it, and writes every such call
 * down with its reason.
 */
export function insideHeaders(path: string): Record<string, string> {
  const inside = /^\/api\/v1\/(apikeys|environments)(\/|$)/.test(path) ? readInside() : undefined;
  if (inside === undefined) return {};
  return {
    'X-Flowplate-Org': inside.id,
    ...(inside.reason !== '' && { 'X-Flowplate-Reason': asBytes(inside.reason) }),
  };
}

function readInside(): Inside | undefined {
  const text = sessionStorage.getItem(place);
  return text === null ? undefined : (JSON.parse(text) as Inside);
}

/**
 * A header holds bytes, of which `fetch` takes one for each character; the server reads them as
 * UTF-8.
 */
function asBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
