import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { typesOfDocument } from '../../scripts/generated/types-of-document.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';

/**
 * `openapi-fetch` over the generated types: what somebody writes who knows the API only by its
 * document.
 */
const head = `import createClient from 'openapi-fetch';
import type { paths } from './schema.d.ts';
export type Paths = paths;
export const client = createClient<paths>({ baseUrl: 'http://broker' });
`;

const options: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
  paths: { 'openapi-fetch': [join(projectRoot, 'portal/node_modules/openapi-fetch')] },
};

/**
 * Compiles each call by itself against types generated from `document`; answers with the complaints
 * about each, in order.
 */
export async function compileCalls(
  document: object,
  calls: readonly string[],
  directory: string,
): Promise<string[][]> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'schema.d.ts'), typesOfDocument(document));
  const files = calls.map((_, index) => join(directory, `call-${index}.ts`));
  await Promise.all(files.map((file, index) => writeFile(file, head + calls[index])));
  const program = ts.createProgram(files, options);
  return files.map((file) => complaints(program, program.getSourceFile(file)));
}

function complaints(program: ts.Program, file: ts.SourceFile | undefined): string[] {
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
