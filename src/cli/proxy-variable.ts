export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The variables that name the proxy for a server with such an address. As in curl, the first that
 * is set counts.
 */
const variables: Record<string, readonly string[]> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY'],
};

export const proxyVariables = Object.values(variables).flat();

/**
 * The variable that is set, or undefined when there is no proxy for this server. NO_PROXY may still
 * except it.
 */
export function proxyVariable(server: string, env: Env): string | undefined {
  return variables[new URL(server).protocol]?.find((name) => (env[name] ?? '') !== '');
}
