import { WebSocket } from 'ws';
import type { FollowerLine, HubLine, LeaseLine } from '../../src/domain/hub-lines.ts';
import { atEnd } from './at-end.ts';
import type { TestBroker } from './broker.ts';
import { eventually } from './eventually.ts';

export type RawFollower = {
  /** All that the hub has said. */
  lines: HubLine[];
  send(line: FollowerLine | string): void;
  /** Asks for a lease; resolves with the answer to it. */
  beat(appliedSeq: number, acknowledgedSeq?: number): Promise<LeaseLine>;
  /** As a network does that goes away. */
  cut(): void;
  closed: Promise<unknown>;
};

/** A follower that does what the test says, and nothing else. */
export async function openStream(
  broker: Pick<TestBroker, 'url' | 'masterKey'>,
  verifierId: string,
  masterKey = broker.masterKey,
): Promise<RawFollower> {
  const url = `${broker.url.replace('http', 'ws')}/v1/flowplate/verifiers/${verifierId}/stream`;
  const socket = new WebSocket(url, { headers: { 'x-flowplate-master-key': masterKey } });
  // Nothing of the next test waits for it.
  atEnd(() => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ left: true }));
    socket.close();
  });
  const lines: HubLine[] = [];
  socket.on('message', (data) => void lines.push(JSON.parse(String(data))));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => undefined);
  let beats = 0;
  const send: RawFollower['send'] = (line) =>
    socket.send(typeof line === 'string' ? line : JSON.stringify(line));
  return {
    lines,
    send,
    async beat(appliedSeq, acknowledgedSeq) {
      const beat = ++beats;
      send({ applied_seq: appliedSeq, beat, acknowledged_seq: acknowledgedSeq });
      return eventually(
        5_000,
        () => lines.find((line) => 'beat' in line && line.beat === beat) as LeaseLine,
        (line) => line !== undefined,
      );
    },
    cut: () => socket.terminate(),
    closed: new Promise((resolve) => socket.once('close', resolve)),
  };
}
