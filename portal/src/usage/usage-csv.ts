import type { Usage } from './use-usage.ts';

const header = ['day', 'organization_id', 'organization_name', 'requests', 'refused'];

/** One line a tenant and day with calls (RFC 4180). */
export function usageCsv({ tenants }: Usage): string {
  const lines = tenants.flatMap(({ id, name, days }) =>
    days.map(({ day, requests, refused }) => [day, id, name, String(requests), String(refused)]),
  );
  return [header, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

/**
 * Quoted. A text that a spreadsheet would take for a formula begins with an apostrophe.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
