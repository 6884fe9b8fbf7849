/**
 * The last line of defence for logs and messages: whatever looks like a secret of ours, a JWT or a
 * bearer token is cut down to what is public of it, wherever it stands in a text. It does not
 * replace keeping secrets out of there in the first place. Lengths are bounded, so that a hostile
 * text costs time in proportion to its length.
 */
const patterns: ReadonlyArray<[RegExp, string]> = [
  [/(fl_(?:user|master)_[a-z0-9]{1,16}_[0-9A-Za-z]{8})[0-9A-Za-z]{4,}/g, '$1…'],
  [/((?:flkey|flplatform|flapi)_[0-9A-Za-z]{8})[0-9A-Za-z]{4,}/g, '$1…'],
  [/eyJ[\w-]{4,400}\.eyJ[\w-]{4,4000}\.[\w-]+/g, 'eyJ…'],
  [/(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  [/(postgres(?:ql)?|rediss?):\/\/([^\s:@/"]{0,200}):[^\s@/"\\]{1,500}@/g, '$1://$2:…@'],
];

export function redact(text: string): string {
  return patterns.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
