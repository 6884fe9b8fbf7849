import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';

export type FleetSize = { apis: number; gateways: number };

/**
 * API processes and gateways with an embedded verifier, all of which a revoke waits for. The first
 * API process stays.
 */
export async function openFleet(stage: Stage) {
  const first = await stage.startApi('api', {}, 'any');
  const brokerUrl = `http://127.0.0.1:${first.port}`;
  const apis: BenchServer[] = [];
  const gateways: BenchServer[] = [];
  let started = 0;
  const startApi = () => stage.startApi(`replica-${++started}`, {}, 'any');
  const startGateway = () => {
    const own = { BROKER_URL: brokerUrl, MASTER_KEY: stage.masterKey };
    return stage.startPeer('embedded-verifier', own, `gateway-${++started}`, 'any');
  };
  const scaleTo = async (size: FleetSize) => {
    await scale(gateways, size.gateways, startGateway);
    await scale(apis, size.apis - 1, startApi);
    return { apis: [first, ...apis], gateways };
  };
  return { scaleTo };
}

async function scale(
  members: BenchServer[],
  count: number,
  start: () => Promise<BenchServer>,
): Promise<void> {
  await Promise.all(members.splice(count).map((member) => member.stop()));
  const missing = Math.max(0, count - members.length);
  members.push(...(await Promise.all(Array.from({ length: missing }, start))));
}
