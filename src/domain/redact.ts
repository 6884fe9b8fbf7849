import type { ForeignPatterns } from './foreign-pattern.ts';

/**
 * Redaction patterns: our secrets, JWTs and bearer tokens in a text are cut to their public part.
 * The last defence for logs and messages, where secrets must not be in the first place. Lengths are
 * bounded, so that hostile text costs linear time.
 */
const patterns: [RegExp, string][] = [
  [/(fl_(?:user|master)_[a-z0-9]{1,16}_[0-9A-Za-z]{8})[0-9A-Za-z]{4,}/g, '$1…'],
  [/((?:flkey|flplatform|flapi)_[0-9A-Za-z]{8})[0-9A-Za-z]{4,}/g, '$1…'],
  [/(whsec_)[0-9A-Za-z+/=_-]{8,}/g, '$1…'],
  [/eyJ[\w-]{4,400}\.eyJ[\w-]{4,4000}\.[\w-]+/g, 'eyJ…'],
  [/(otpauth:\/\/[^\s"]{1,500}?[?&]secret=)[A-Z2-7]{8,}/gi, '$1…'],
  // A recovery code: four groups of four. A UUID has no such run.
  [/(?<![\w-])(?:[0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}(?![\w-])/gi, '…'],
  [/(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  [/(postgres(?:ql)?|rediss?):\/\/([^\s:@/"]{0,200}):[^\s@/"\\]{1,500}@/g, '$1://$2:…@'],
];

export function redact(text: string): string {
  return patterns.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}

const ownCount = patterns.length;

/**
 * Redacts the declared foreign keys too, in the whole process: only the configuration knows them,
 * and every log line and message goes through here.
 */
export function redactForeignKeys(declared: ForeignPatterns): void {
  const foreign = declared.map((pattern): [RegExp, string] => [pattern.inText, `${pattern.prefix}…`]);
  patterns.splice(ownCount, Infinity, ...foreign);
}
