export type Env = Readonly<Record<string, string | undefined>>;

/** Proxy variables by scheme of the server. As in curl, the first one set counts. */
const variables: Record<string, readonly string[]> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY'],
};

export const proxyVariables = Object.values(variables).flat();

/** The variable that is set; undefined without a proxy. NO_PROXY may still exclude the server. */
export function proxyVariable(server: string, env: Env): string | undefined {
  return variables[new URL(server).protocol]?.find((name) => (env[name] ?? '') !== '');
}
