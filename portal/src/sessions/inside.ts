/** Tenant that this operator impersonates, in this tab only. */
export type Inside = { operatorId: string; id: string; name: string; reason: string };

const place = 'flowplate.inside';

/**
 * Undefined for any other operator than the one who entered: the next login on this tab is outside.
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

/** Impersonation headers for calls about a tenant. The server checks and audits each one. */
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

/** Encodes UTF-8 for a header, since `fetch` takes one byte per character. */
function asBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
