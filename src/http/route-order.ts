import type { Route } from './route.ts';

export type PathRoutes<Parts> = { path: string; routes: readonly Route<Parts>[] };

/**
 * Groups routes by path, fixed segments before parameters. `/api-keys/verify` is then found before
 * `/api-keys/:key_id` for every method, in any order of the list.
 */
export function byPath<Parts>(routes: readonly Route<Parts>[]): PathRoutes<Parts>[] {
  return [...Map.groupBy(routes, ({ path }) => path)]
    .map(([path, group]) => ({ path, routes: group }))
    .sort((one, other) => rank(one.path).localeCompare(rank(other.path)));
}

/** Sort key: 0 for a fixed segment, 1 for a parameter. */
function rank(path: string): string {
  return path
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '1' : '0'))
    .join('');
}
