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

/** Paths about the operator's own account. Every other call belongs to the impersonated tenant. */
const ownAccount = /^\/api\/v1\/platform\/(auth\/|session$)/;

/**
 * Impersonation headers of a call. The server confines it to the tenant, or refuses it, and audits
 * it.
 */
export function insideHeaders(path: string): Record<string, string> {
  const inside = ownAccount.test(path) ? undefined : readInside();
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
