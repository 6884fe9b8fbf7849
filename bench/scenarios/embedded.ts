import { inWords, number } from '../report/statistics.ts';
import { loadCore } from '../stage/pin.ts';
import type { Scenario } from './scenario.ts';

export const embedded: Scenario = {
  name: 'embedded',
  about: "decisions of the SDK's embedded verifier in one process, counted and under a lease",
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'embedded');
    const broker = await stage.startApi('api', {}, loadCore);
    await stage.startWorker();
    const { perSecond, verified } = await stage.loadOnServerCore.embed({
      kind: 'embed',
      brokerUrl: `http://127.0.0.1:${broker.port}`,
      masterKey: stage.masterKey,
      keysFile: stage.keysFile,
      count: pace.keys,
      rounds: pace.rounds,
      windowMs: pace.windowMs,
    });
    stage.ledger.add(verified);
    const micros = perSecond.map((decisions) => 1_000_000 / decisions);
    return [
      {
        title: 'Embedded verifier (verifyNow)',
        columns: ['', 'decisions per second', 'µs each'],
        rows: [['from memory, one core', inWords(perSecond), inWords(micros, 2)]],
        notes: [
          `${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s in a process of its own, its heartbeats and reports included; the broker runs on the other core. ${await stage.ledger.requireCounted()}`,
        ],
      },
    ];
  },
};
