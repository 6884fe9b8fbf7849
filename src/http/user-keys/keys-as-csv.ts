import { stringify } from 'csv-stringify/sync';
import type { KeyWithUsage } from '../../usecases/user-keys/key-with-usage.ts';
import { toKeyAnswer } from './key-answers.ts';

type KeyAnswer = ReturnType<typeof toKeyAnswer>;

const columns: Record<string, (key: KeyAnswer) => string | number | boolean | null> = {
  key_id: (key) => key.key_id,
  key_prefix: (key) => key.key_prefix,
  user_id: (key) => key.user_id,
  organization_id: (key) => key.organization_id,
  environment: (key) => key.environment,
  minted_by: (key) => key.minted_by,
  name: (key) => key.name,
  metadata: (key) => JSON.stringify(key.metadata),
  scopes: (key) => key.scopes.join(' '),
  status: (key) => key.status,
  enabled: (key) => String(key.enabled),
  created_at: (key) => key.created_at,
  updated_at: (key) => key.updated_at,
  expires_at: (key) => key.expires_at,
  superseded_until: (key) => key.superseded_until,
  revoked_at: (key) => key.revoked_at,
  revoked_reason: (key) => key.revoked_reason,
  total_requests: (key) => key.usage.total_requests,
  refused_requests: (key) => key.usage.refused_requests,
  first_used_at: (key) => key.usage.first_used_at,
  last_used_at: (key) => key.usage.last_used_at,
};

const names = Object.keys(columns);

/**
 * Keys as CSV (RFC 4180) with a header, a piece for each page. A text that a spreadsheet would take
 * for a formula begins with an apostrophe: names and metadata are written by callers.
 * https://owasp.org/www-community/attacks/CSV_Injection
 * `more`: columns after the usual ones.
 */
export async function* keysAsCsv<Item extends KeyWithUsage>(
  pages: AsyncIterable<readonly Item[]>,
  now: () => Date,
  more: Record<string, (key: Item) => string> = {},
): AsyncGenerator<string> {
  const moreColumns = Object.entries(more);
  yield toText([[...names, ...moreColumns.map(([name]) => name)]]);
  for await (const page of pages) {
    const at = now();
    const rows = page.map((key) => {
      const answer = toKeyAnswer(key, at);
      return [...names.map((name) => columns[name]?.(answer)), ...moreColumns.map(([, tell]) => tell(key))];
    });
    yield toText(rows);
  }
}

function toText(rows: unknown[][]): string {
  return stringify(rows, { escape_formulas: true, record_delimiter: 'windows' });
}
