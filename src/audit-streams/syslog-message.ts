import type { EventEnvelope } from '../domain/events/envelope.ts';

/**
 * Facility 13, "log audit", and severities of RFC 5424 §6.2.1: notice, and warning for refusals.
 */
const facility = 13;
const severities = { success: 5, refused: 4 };

/** MSGID has at most 32 characters (RFC 5424 §6). */
const messageIdLengthMax = 32;

/**
 * An event as a syslog message (RFC 5424). The text is the JSON of its envelope, in ASCII alone:
 * UTF-8 would need a byte order mark in front (§6.4), which readers of JSON stumble over. A host
 * name that is not printable ASCII is left out.
 */
export function toSyslogMessage(event: EventEnvelope, hostname: string): string {
  const priority = facility * 8 + severities[event.data.result];
  const host = /^[\x21-\x7e]{1,255}$/.test(hostname) ? hostname : '-';
  const header = `<${priority}>1 ${event.timestamp} ${host} flowplate - ${event.type.slice(0, messageIdLengthMax)} -`;
  return `${header} ${toAscii(JSON.stringify(event))}`;
}

/** Octet counting (RFC 5425 §4.3): the length of the message in bytes, a space, the message. */
export function toFrame(message: string): string {
  return `${message.length} ${message}`;
}

function toAscii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
