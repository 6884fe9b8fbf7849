import type { AuditStream } from '../audit-streams/audit-stream.ts';
import { fileStream } from '../audit-streams/file-stream.ts';
import { syslogStream } from '../audit-streams/syslog-stream.ts';
import type { Config } from '../config.ts';

/** Port of syslog over TLS (RFC 5425 §4.1). */
const syslogPort = 6514;

/** The receivers of the audit log that are configured. */
export function auditStreams(config: Config): AuditStream[] {
  const { AUDIT_SYSLOG_URL: url, AUDIT_NDJSON_FILE: file } = config;
  const credentials = {
    ca: config.AUDIT_SYSLOG_CA_FILE,
    cert: config.AUDIT_SYSLOG_CERT_FILE,
    key: config.AUDIT_SYSLOG_KEY_FILE,
  };
  return [
    ...(url === undefined ? [] : [syslogStream({ ...hostOf(url), ...credentials })]),
    ...(file === undefined ? [] : [fileStream(file)]),
  ];
}

function hostOf({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? syslogPort : Number(port) };
}
