import type { LaneRequest } from './lane-request.ts';

/** An endpoint that the fast lane answers, chosen by exact method and path. */
export type Endpoint = {
  method: 'GET' | 'POST';
  path: string;
  /** Not for a POST. */
  takesQuery: boolean;
  /** 0 for a GET. A request with a longer body goes to node:http. */
  bodyBytesMax: number;
  /**
   * Lower-case names of all headers that the answer depends on. Others are checked and dropped. A
   * request that repeats one of these goes to node:http.
   */
  headerNames: readonly string[];
  /** Calls `request.send` exactly once, at once or later. */
  answer(request: LaneRequest): void;
};
