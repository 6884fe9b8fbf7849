import { routes } from '../../src/http/routes.ts';
import { openApiDocument } from '../api-document/api-document.ts';
import { typesOfDocument } from './types-of-document.ts';

type Operation = { responses: Record<string, unknown> };
type Paths = Record<string, Record<string, Operation>>;

/**
 * Types of the operators' API for the portal: requests and successes. Refusals are omitted, since
 * all have one shape and would be four fifths of the file.
 */
export function portalApiTypes(): string {
  const document = openApiDocument(routes);
  const { paths, components } = JSON.parse(JSON.stringify(document)) as { paths: Paths; components: object };
  const operators = Object.entries(paths).filter(([path]) => path.startsWith('/api/v1/'));
  return typesOfDocument({
    ...document,
    paths: Object.fromEntries(operators.map(([path, item]) => [path, withoutRefusals(item)])),
    components,
  });
}

function withoutRefusals(item: Record<string, Operation>): Record<string, Operation> {
  return Object.fromEntries(
    Object.entries(item).map(([method, { responses, ...operation }]) => {
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      return [method, { ...operation, responses: Object.fromEntries(successes) }];
    }),
  );
}
