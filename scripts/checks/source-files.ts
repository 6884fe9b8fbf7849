import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of the product. Scripts, tests and benchmarks may import anything. */
export const ROOMS: readonly string[] = ['src', 'workers', 'portal/src'];

/** Every TypeScript file of the product, as a path from `root`. */
export function sourceFiles(root: string): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => `${room}/${file}`),
  );
}

/** Every file of code below `root` but those that are generated or installed. */
export function codeFiles(root: string): string[] {
  return ['src', 'workers', 'portal/src', 'scripts', 'test', 'bench', 'packages', 'examples'].flatMap(
    (folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|tsx|js|mjs|cjs|sql|lua)$/.test(file))
        .filter((file) => !/(^|\/)(node_modules|dist|generated)\/|schema(\.d)?\.ts$/.test(file))
        .map((file) => `${folder}/${file}`),
  );
}
