/** Token rule: the workload tokens that are the credential of a master key without a secret. */
export type TokenRule = {
  /** `iss`, compared whole. */
  issuer: string;
  /** One of `aud`, compared whole. */
  audience: string;
  /** `sub`; a segment `*` stands for any one segment. */
  subject: string;
};

/** Claims of a token whose signature, issuer and times have been checked. */
export type WorkloadClaims = { issuer: string; audiences: readonly string[]; subject: string };

const textPattern = /^[\x21-\x7e]{1,512}$/;

export function isAudience(text: string): boolean {
  return textPattern.test(text);
}

/**
 * Whether a subject may stand in a rule. `*` is a whole segment between `:` and `/`, since
 * `repo:acme*` would admit `repo:acme-of-somebody-else`. At least one segment is no `*`.
 */
export function isSubjectPattern(text: string): boolean {
  const segments = text.split(/[:/]/);
  const areWhole = segments.every((segment) => segment === '*' || !segment.includes('*'));
  return textPattern.test(text) && areWhole && segments.some((segment) => segment !== '*' && segment !== '');
}

/** Whether the rule is for the token. */
export function admits(rule: TokenRule, { issuer, audiences, subject }: WorkloadClaims): boolean {
  return (
    rule.issuer === issuer &&
    audiences.includes(rule.audience) &&
    agree(
      rule.subject,
      subject,
      (wanted, segment) => wanted === segment || (wanted === '*' && segment !== ''),
    )
  );
}

/** Whether some token could be for both rules. */
export function overlaps(one: TokenRule, other: TokenRule): boolean {
  return (
    one.issuer === other.issuer &&
    one.audience === other.audience &&
    agree(one.subject, other.subject, (a, b) => a === b || (a === '*' && b !== '') || (b === '*' && a !== ''))
  );
}

/** By segments, with the same separators between them. */
function agree(one: string, other: string, isSame: (a: string, b: string) => boolean): boolean {
  const [parts, others] = [one.split(/([:/])/), other.split(/([:/])/)];
  return (
    parts.length === others.length &&
    parts.every((part, at) => (at % 2 === 1 ? part === others[at] : isSame(part, others[at] ?? '')))
  );
}

/** The URL of the keys (JWKS) of each issuer. */
export type WorkloadIssuers = ReadonlyMap<string, URL>;

export const workloadIssuersRule =
  'must be <issuer>=<URL of its JWKS>, several separated by semicolons, each issuer once; the URL is https, or http on localhost';

/** Undefined for a malformed text. `isSafeUrl` says to which addresses a request may go. */
export function parseWorkloadIssuers(
  text: string,
  isSafeUrl: (url: string) => boolean,
): WorkloadIssuers | undefined {
  const entries = text.split(';').map((entry) => entry.trim());
  const named = entries.filter((entry) => entry !== '').map((entry) => parseEntry(entry, isSafeUrl));
  const issuers = new Map(named.filter((entry) => entry !== undefined));
  return issuers.size === named.length && issuers.size > 0 ? issuers : undefined;
}

function parseEntry(entry: string, isSafeUrl: (url: string) => boolean): [string, URL] | undefined {
  const divider = entry.indexOf('=');
  const [issuer, url] = [entry.slice(0, Math.max(divider, 0)).trim(), entry.slice(divider + 1).trim()];
  return textPattern.test(issuer) && isSafeUrl(url) ? [issuer, new URL(url)] : undefined;
}
