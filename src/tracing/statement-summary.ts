/** The length that the conventions give a summary. */
const lengthMax = 255;

/** `WITH name AS (`, `name (columns) AS MATERIALIZED (`: what looks like a table and is none. */
const namedQuery = /\b([a-z_]\w*)(?:\s*\([^()]*\))?\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(/gi;

/**
 * An operation, or a word before a table, with the table. `FOR UPDATE`, `DO UPDATE`, `DISTINCT
 * FROM` and `EXTRACT(EPOCH FROM` are neither. A bracket behind the name in `FROM` makes it a
 * function.
 */
const step =
  /\b(SELECT)\b|(?<!\b(?:FOR|DO|KEY|DISTINCT|EPOCH)\s+)\b(INSERT|DELETE|UPDATE|FROM|JOIN)(?:\s+(?:INTO|FROM|ONLY))*\s+"?([a-z_][\w.]*)"?(\s*\()?/gi;

type Operation = { name: string; tables: Set<string> };

/**
 * The summary of a statement as OpenTelemetry's conventions for databases have it
 * (`db.query.summary`): its operations and their tables in order, such as `SELECT api_keys
 * organizations`. No other word of the text is in it, and so no value.
 */
export function statementSummary(text: string): string {
  const named = new Set([...text.matchAll(namedQuery)].map(([, name = '']) => name.toLowerCase()));
  const operations: Operation[] = [];
  for (const [, select, word = '', table, bracket] of text.matchAll(step)) {
    const isSource = /^(FROM|JOIN)$/i.test(word);
    if (!isSource) operations.push({ name: (select ?? word).toUpperCase(), tables: new Set() });
    const isTable = table !== undefined && !(isSource && bracket) && !named.has(table.toLowerCase());
    if (isTable) operations.at(-1)?.tables.add(table);
  }
  const told = operations.filter(({ tables }) => tables.size > 0);
  if (told.length === 0) return operations[0]?.name ?? firstWord(text);
  return cut(told.flatMap(({ name, tables }) => [name, ...tables]).join(' '));
}

/** `BEGIN`, `COMMIT` and the like. */
function firstWord(text: string): string {
  return /^\s*([a-z]{1,20})\b/i.exec(text)?.[1]?.toUpperCase() ?? 'SQL';
}

function cut(summary: string): string {
  return summary.length <= lengthMax ? summary : summary.slice(0, summary.lastIndexOf(' ', lengthMax));
}
