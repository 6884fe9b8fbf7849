/** The slow groups of tests by name, each a folder of `test/`; `quick` is all the others. */
export const slowGroups = {
  portal: 'the portal in a real browser',
  gateways: 'nginx, Caddy and HAProxy in front of the broker',
  guides: 'the guides of docs/guides, followed literally',
  engines: 'Patroni, PgBouncer, Redis Sentinel and Cluster, upgrades: real ones, and what befalls them',
  faults: 'processes and stores that are killed, stopped, starved and flooded',
  linearizability: 'no verdict contradicts an answered change, under faults',
  packages: 'the npm packages, installed from their tarballs',
} as const;

export const groupNames: readonly string[] = [...Object.keys(slowGroups), 'quick'];

export function isSlow(testFile: string): boolean {
  return Object.keys(slowGroups).some((group) => testFile.startsWith(`test/${group}/`));
}

/** Arguments of vitest, for which each group is a project. */
export function argumentsOf(groups: readonly string[]): string[] {
  return groups.map((group) => `--project=${group}`);
}
