import { createHash } from 'node:crypto';
import { FlowplateError } from '../../domain/errors.ts';
import {
  findReporterSecret,
  isReportersSignature,
  isScannersSignature,
  type LeakReporters,
  parseReporterSignature,
} from '../../domain/leak-report.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { Reporter } from '../../usecases/leaks/receive-report.ts';
import { bodyBytesMax, bytesReader } from '../read-body.ts';
import type { Access } from './access.ts';

export type SignedReportParts = {
  leakReporters: LeakReporters;
  /** Finds the public key of a scanner by its identifier. */
  scannerKeys: { find(identifier: string): Promise<string | undefined> };
  clock: { now(): Date };
};

const headerNames = [
  'x-flowplate-signature',
  'github-public-key-identifier',
  'github-public-key-signature',
] as const;

const scannerName = 'github';
/** A signature over P-256 in DER has at most 72 bytes. */
const signatureLengthMax = 128;
const identifierLengthMax = 128;

/** Name of the signer of a body and the signature; undefined when the signature is wrong. */
type Check = (body: Buffer) => { name: string; signature: Buffer } | undefined;

/**
 * Access rule: the body is signed, by a named reporter with its secret, or by a scanner with its
 * private key, as GitHub does. A missing signature, a wrong one and an old one give the same
 * `AUTHENTICATION_REQUIRED`. The body is read here, and again by the route.
 */
export function signedReport(): Access<SignedReportParts, Reporter> {
  return {
    schemes: ['reportSignature', 'scannerSignature'],
    needs: 'Needs a signature of the body.',
    errors: ['AUTHENTICATION_REQUIRED', 'AMBIGUOUS_CREDENTIALS', 'DEPENDENCY_UNAVAILABLE'],
    areRefusalsAudited: false,
    async admit(parts, exchange, onKnown) {
      const check = await findCheck(parts, exchange.req.rawHeaders);
      if (check === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
      const limits = { bytesMax: bodyBytesMax, onFirst: () => undefined };
      const body = await exchange.readBytes(limits, (bytes) => bytes);
      const signed = check(body);
      if (signed === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
      exchange.readBytes = bytesReader(body);
      const { name } = signed;
      // Two spellings of one signature are one report.
      const signature = createHash('sha256').update(name).update('.').update(signed.signature).digest();
      const reporter: Reporter = { kind: 'system', id: `reporter:${name}`, name, signature };
      onKnown(reporter);
      return reporter;
    },
  };
}

/** Undefined when the headers alone say that it is no signature of anybody. */
async function findCheck(
  { leakReporters, scannerKeys, clock }: SignedReportParts,
  rawHeaders: readonly string[],
): Promise<Check | undefined> {
  const [ours = [], identifiers = [], signatures = []] = pickHeaders(rawHeaders, headerNames);
  if (ours.length > 1 || identifiers.length > 1 || signatures.length > 1 || (ours[0] && signatures[0])) {
    throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  }
  const sent = ours[0] === undefined ? undefined : parseReporterSignature(ours[0]);
  if (sent !== undefined) {
    const secret = findReporterSecret(leakReporters, sent, clock.now().getTime());
    if (secret === undefined) return undefined;
    const { reporter: name, atSeconds, mac } = sent;
    const signature = Buffer.concat([Buffer.from(`${atSeconds}.`), mac]);
    return (body) => (isReportersSignature(secret, sent, body) ? { name, signature } : undefined);
  }
  const [identifier = '', base64 = ''] = [identifiers[0], signatures[0]];
  if (identifier === '' || identifier.length > identifierLengthMax) return undefined;
  if (base64 === '' || base64.length > signatureLengthMax) return undefined;
  const publicKey = await scannerKeys.find(identifier);
  if (publicKey === undefined) return undefined;
  return (body) => {
    const isRight = isScannersSignature(publicKey, Buffer.from(base64, 'base64'), body);
    // The body and not the signature, of which ECDSA has many for one body.
    return isRight ? { name: scannerName, signature: createHash('sha256').update(body).digest() } : undefined;
  };
}
