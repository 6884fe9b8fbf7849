import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Names of PEM files. `clientCas`: who may issue the certificates of clients. */
export type TlsFiles = { certificate: string; privateKey: string; clientCas: string | undefined };

/** Certificate, key and client CAs of a TLS server, read and checked. */
export type TlsSetUp = {
  context: SecureContextOptions;
  expiresAt: Date;
  /** Fingerprints of the certificates that may end a client's chain. */
  clientCas: ReadonlySet<string>;
};

type Settings = {
  TLS_CERT_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
  TLS_CLIENT_CA_FILE?: string | undefined;
};

/** The files that the settings name; undefined without TLS. */
export function tlsFilesOf(settings: Settings): TlsFiles | undefined {
  const { TLS_CERT_FILE: certificate, TLS_KEY_FILE: privateKey, TLS_CLIENT_CA_FILE: clientCas } = settings;
  return certificate === undefined || privateKey === undefined
    ? undefined
    : { certificate, privateKey, clientCas };
}

/**
 * Reads certificate chain, private key and CAs. Throws an error that names the setting for a file
 * that is missing or no PEM, for a key that is not the certificate's, and for a certificate that is
 * not valid now. No error repeats the content of a file.
 */
export function readTlsFiles(files: TlsFiles, now: Date): TlsSetUp {
  const chain = readText('TLS_CERT_FILE', files.certificate);
  const [leaf] = parseCertificates('TLS_CERT_FILE', chain);
  const key = readText('TLS_KEY_FILE', files.privateKey);
  requireValid(leaf, now);
  if (!leaf.checkPrivateKey(parseKey(key)))
    throw new Error('TLS_KEY_FILE is not the private key of the certificate in TLS_CERT_FILE');
  const cas = files.clientCas === undefined ? undefined : readText('TLS_CLIENT_CA_FILE', files.clientCas);
  const context: SecureContextOptions = {
    cert: chain,
    key,
    minVersion: 'TLSv1.2',
    ...(cas && forClients(cas)),
  };
  requireUsable(context);
  const clientCas = cas === undefined ? [] : parseCertificates('TLS_CLIENT_CA_FILE', cas);
  return {
    context,
    expiresAt: new Date(leaf.validTo),
    clientCas: new Set(clientCas.map(({ fingerprint256 }) => fingerprint256)),
  };
}

/** A resumed session would bring back a chain that was checked against earlier CAs. */
function forClients(cas: string): SecureContextOptions {
  return { ca: cas, secureOptions: constants.SSL_OP_NO_TICKET };
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${setting} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function parseCertificates(setting: string, text: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...others] = (text.match(certificatePattern) ?? []).map((pem) => new X509Certificate(pem));
    if (first !== undefined) return [first, ...others];
  } catch {
    // Said below: the cause may repeat the file.
  }
  throw new Error(`${setting} has no certificate in PEM that can be read`);
}

function parseKey(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error('TLS_KEY_FILE has no private key in PEM without a passphrase');
  }
}

function requireValid({ validFrom, validTo }: X509Certificate, now: Date): void {
  if (new Date(validTo) <= now) throw new Error(`TLS_CERT_FILE has a certificate that expired: ${validTo}`);
  if (new Date(validFrom) > now)
    throw new Error(`TLS_CERT_FILE has a certificate that is not valid yet: ${validFrom}`);
}

/** OpenSSL refuses what it holds for weak, such as an RSA key of 1,024 bits. */
function requireUsable(context: SecureContextOptions): void {
  try {
    createSecureContext(context);
  } catch (error) {
    throw new Error(`TLS_CERT_FILE cannot be used (${(error as NodeJS.ErrnoException).code})`);
  }
}
