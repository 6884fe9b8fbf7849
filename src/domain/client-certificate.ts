/** A client's certificate whose chain ends in a CA that we trust. */
export type ClientCertificate = {
  /** Whom it names: its SPIFFE id, or else its subject. */
  identity: string;
  /** The first end of validity in its chain, in ms since 1970. */
  endsAtMs: number;
};

/** The fields of a certificate that say whom it names, as Node writes them. */
export type CertificateNames = { subject: string; subjectAltName: string | undefined };

const spiffePattern = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]+)+$/;
const spiffeLengthMax = 2_048;

/** Relative segments, which two readers may resolve differently. */
const relativePattern = /\/\.{1,2}(\/|$)/;

/** A SPIFFE id of a workload, exactly as a certificate has it. There are no wildcards. */
export function isSpiffeId(text: string): boolean {
  return text.length <= spiffeLengthMax && spiffePattern.test(text) && !relativePattern.test(text);
}

const attribute = String.raw`([A-Za-z]\w*|\d+(\.\d+)+)=([^,+"\\<>;*\0-\x1f\x7f-\uffff]|\\[,+"\\<>;# ])+`;
const subjectPattern = new RegExp(`^${attribute}([,+]${attribute})*$`);
const subjectLengthMax = 1_024;

/** A subject as `openssl x509 -noout -subject -nameopt RFC2253` prints it, in ASCII. */
export function isSubject(text: string): boolean {
  return text.length <= subjectLengthMax && subjectPattern.test(text);
}

/**
 * Whom a certificate names. With a SPIFFE id that is the id and nothing else, and there must be no
 * second URI (X.509-SVID §2); without one it is the subject. Undefined when it names nobody that a
 * rule can name.
 */
export function identityOf({ subject, subjectAltName }: CertificateNames): string | undefined {
  const uris = subjectAltName === undefined ? [] : urisOf(subjectAltName);
  if (uris === undefined) return undefined;
  if (!uris.some((uri) => /^"?spiffe:/i.test(uri))) return subjectOf(subject);
  const [id = '', ...others] = uris;
  return others.length === 0 && isSpiffeId(id) ? id : undefined;
}

/** `DNS:a, URI:b`; Node puts a value with a comma, a quote or a control character in quotes. */
const alternativeName = /([^:,]+):("(?:\\.|[^"\\])*"|[^,"]*)(?:, |$)/gy;

/** Undefined for a text that is not read to its end. */
function urisOf(subjectAltName: string): string[] | undefined {
  const names = [...subjectAltName.matchAll(alternativeName)];
  const length = names.reduce((sum, [whole]) => sum + whole.length, 0);
  if (length !== subjectAltName.length) return undefined;
  return names.flatMap(([, kind, value = '']) => (kind === 'URI' ? [value] : []));
}

/** Node has a line for each part, the first one first, and escapes as RFC 2253 does. */
function subjectOf(lines: string): string | undefined {
  const text = lines.split('\n').reverse().join(',').replaceAll(' + ', '+');
  return isSubject(text) ? text : undefined;
}
