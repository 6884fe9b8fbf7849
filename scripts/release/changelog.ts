const unreleased = '## Unreleased';

/**
 * Turns the unreleased section of a changelog into a version with a day, and opens a new one.
 * `section` is the released text. Throws when it is empty.
 */
export function releaseChangelog(
  changelog: string,
  version: string,
  day: string,
): { changelog: string; section: string } {
  const start = changelog.indexOf(`${unreleased}\n`);
  if (start < 0) throw new Error('the changelog has no unreleased section');
  const from = start + unreleased.length;
  const next = changelog.indexOf('\n## ', from);
  const to = next < 0 ? changelog.length : next;
  const section = changelog.slice(from, to).trim();
  if (section === '') throw new Error('the changelog says nothing of what is released');
  const released = `${unreleased}\n\n## ${version} — ${day}\n\n${section}\n`;
  return { changelog: changelog.slice(0, start) + released + changelog.slice(to), section };
}
