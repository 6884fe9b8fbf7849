/** The messages of `protos/`, as the loader hands them out: a field that was not sent is absent. */
export type CheckRequest = {
  attributes?: {
    source?: { address?: { socket_address?: { address?: string } } };
    request?: { http?: HttpRequest };
    context_extensions?: Record<string, string>;
  };
};

export type HttpRequest = {
  headers?: Record<string, string>;
  /** Instead of `headers`, with `encode_raw_headers`. */
  header_map?: { headers?: { key?: string; value?: string; raw_value?: Buffer }[] };
};

type HeaderValueOption = {
  header: { key: string; value: string };
  append_action: typeof overwrite;
  keep_empty_value: true;
};

export type CheckResponse = { status: { code: number } } & (
  | {
      ok_response: {
        headers: HeaderValueOption[];
        headers_to_remove: string[];
        response_headers_to_add: HeaderValueOption[];
      };
    }
  | { denied_response: { status: { code: number }; headers: HeaderValueOption[]; body: string } }
);

/** `OVERWRITE_IF_EXISTS_OR_ADD`: what the client sent under this name goes. */
const overwrite = 2;

export function overwriting(key: string, value: string): HeaderValueOption {
  return { header: { key, value }, append_action: overwrite, keep_empty_value: true };
}
