import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';

const page = await readFile(join(projectRoot, 'docs', 'gateways.md'), 'utf8');

/**
 * The block that `docs/gateways.md` marks with `file=<name>`: what is tested is what operators
 * read.
 */
export function documentedFile(name: string): string {
  const fence = `\n\`\`\`[a-z]+ file=${name.replaceAll('.', '\\.')}\n([\\s\\S]*?)\n\`\`\`\n`;
  const [block, ...others] = [...page.matchAll(new RegExp(fence, 'g'))].map(([, text]) => text);
  if (block === undefined || others.length > 0) throw new Error(`docs/gateways.md: not one block ${name}`);
  return block;
}

/**
 * The text with each of these put in place of what the page has there. A place that is not found is
 * an error.
 */
export function withPlaces(text: string, places: Record<string, string>): string {
  return Object.entries(places).reduce((filled, [place, value]) => {
    if (!filled.includes(place)) throw new Error(`the page has no ${JSON.stringify(place)}`);
    return filled.replaceAll(place, value);
  }, text);
}
