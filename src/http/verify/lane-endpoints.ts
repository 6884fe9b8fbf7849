import { authorizePath } from '../../domain/forward-auth/authorize-path.ts';
import { proxyRequestHeaders } from '../../domain/forward-auth/proxy-request.ts';
import type { Endpoint } from '../../fast-lane/endpoint.ts';
import type { LaneRequest } from '../../fast-lane/lane-request.ts';
import type { Bodies } from '../exchange.ts';
import { bytesReader, strangersBodyBytesMax } from '../read-body.ts';
import type { RequestHead } from '../request-head.ts';
import type { SendWhole } from '../send-whole.ts';
import type { ProxyExchange } from './proxy-answers.ts';
import { verifyKeyPath } from './verdict-schemas.ts';

const traceHeaders = ['traceparent', 'tracestate'];

/** The headers that frame a message are the lane's. */
const authorizeHeaders = [...proxyRequestHeaders, ...traceHeaders];

const verifyHeaders = [
  'x-flowplate-master-key',
  'x-api-key',
  'authorization',
  'x-forwarded-for',
  'x-request-id',
  'content-type',
  'content-encoding',
  'accept',
  ...traceHeaders,
];

/** The steps that answer, the same as on node:http. */
export type LaneAnswerers = {
  authorize(exchange: ProxyExchange): void;
  verify(req: RequestHead, bodies: Bodies): void;
};

/** The endpoints of the fast lane, of the API and of a local verifier. */
export function laneEndpoints({ authorize, verify }: LaneAnswerers): Endpoint[] {
  return [
    {
      method: 'GET',
      path: authorizePath,
      takesQuery: true,
      bodyBytesMax: 0,
      headerNames: authorizeHeaders,
      answer: (req) => authorize({ req, send: laneSender(req) }),
    },
    {
      method: 'POST',
      path: verifyKeyPath,
      takesQuery: false,
      // Of a stranger's request. A longer one may have to be refused before it has arrived.
      bodyBytesMax: strangersBodyBytesMax,
      headerNames: verifyHeaders,
      answer: (req) => verify(req, laneBodies(req)),
    },
  ];
}

function laneBodies(req: LaneRequest): Bodies {
  return { readBytes: bytesReader(req.body), send: laneSender(req), res: notHere, form: notHere };
}

function notHere(): never {
  throw new Error('The fast lane has no streams and no forms');
}

function laneSender(req: LaneRequest): SendWhole {
  return ({ pace, status, shared, headers, body, bodyBytes, isClosing }) => {
    if (isClosing) throw new Error('The fast lane takes no request that closes its connection');
    const isAscii = bodyBytes === body.length;
    if (pace === undefined) req.send({ status, firstLines: shared?.headerText, headers, body, isAscii });
    else pace.run((isLast) => req.send({ status, headers, body, isAscii, isLast }));
  };
}
