import { routes } from '../../src/http/routes.ts';
import { openApiDocument } from '../api-document/api-document.ts';

export function openApiFile(): string {
  return `${JSON.stringify(openApiDocument(routes), null, 2)}\n`;
}
