/** Small, since metadata is part of every record and verdict. */
export const metadataBytesMax = 16_384;
export const metadataDepthMax = 10;

/**
 * Returns why a value cannot be stored as metadata, or undefined. Postgres's jsonb takes neither
 * NUL nor a lone surrogate, JSON takes no infinity, and a key `__proto__` would not survive
 * copying. Iterative, because callers choose the depth.
 */
export function metadataFault(value: unknown): string | undefined {
  if (!isObject(value) || Array.isArray(value)) return 'must be an object';
  const open: Array<{ value: unknown; depth: number }> = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const fault = isObject(next.value) ? containerFault(next.value, next.depth) : leafFault(next.value);
    if (fault !== undefined) return fault;
    if (!isObject(next.value)) continue;
    for (const inner of Object.values(next.value)) open.push({ value: inner, depth: next.depth + 1 });
  }
  if (Buffer.byteLength(JSON.stringify(value)) > metadataBytesMax) {
    return `must be at most ${metadataBytesMax} bytes of JSON`;
  }
  return undefined;
}

function containerFault(value: object, depth: number): string | undefined {
  if (depth > metadataDepthMax) return `must be at most ${metadataDepthMax} levels deep`;
  const names = Object.keys(value);
  if (names.includes('__proto__')) return 'must not have a field called __proto__';
  return names.some((name) => !isStorable(name)) ? 'must not contain NUL or lone surrogates' : undefined;
}

function leafFault(value: unknown): string | undefined {
  if (typeof value === 'string' && !isStorable(value)) return 'must not contain NUL or lone surrogates';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'must not contain numbers beyond JSON';
  return undefined;
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
