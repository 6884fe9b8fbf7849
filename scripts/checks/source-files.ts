import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the product lives; scripts, tests and benchmarks may import what they like. */
export const ROOMS: readonly string[] = ['src', 'workers', 'portal/src'];

/** Every TypeScript file of the product, as a path from `root`. */
export function sourceFiles(root: string): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => `${room}/${file}`),
  );
}
