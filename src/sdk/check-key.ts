import { parseSecret } from '../domain/key-format.ts';
import { type PublicKind, publicKinds } from '../domain/key-patterns.ts';

/** `environment`: null for a kind that names none. `prefix`: its public part. */
export type CheckedKey = { kind: PublicKind; environment: string | null; prefix: string };

/**
 * Tells a real key of any kind from a mistyped or made-up one by its checksum, without the broker.
 * Undefined for everything else. Whether the key is still valid, only the broker knows.
 */
export function checkKey(text: string): CheckedKey | undefined {
  const parsed = parseSecret(text);
  if (parsed === undefined) return undefined;
  const { kind, environment = null, prefix } = parsed;
  return { kind: publicKinds[kind], environment, prefix };
}
