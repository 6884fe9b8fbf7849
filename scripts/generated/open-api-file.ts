import { openApiDocument } from '../../src/http/openapi.ts';
import { routes } from '../../src/http/routes.ts';

export function openApiFile(): string {
  return `${JSON.stringify(openApiDocument(routes), null, 2)}\n`;
}
