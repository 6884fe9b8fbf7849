import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { Log } from '../log.ts';
import type { TracingConfig } from './start-tracing.ts';

type Named = Pick<TracingConfig, 'OTEL_TRACES_SAMPLER' | 'OTEL_TRACES_SAMPLER_ARG'>;

type MakeSampler = (ratio: number) => Sampler;

const everyTrace: MakeSampler = () => new ParentBasedSampler({ root: new AlwaysOnSampler() });

const samplers: ReadonlyMap<string, MakeSampler> = new Map([
  ['parentbased_always_on', everyTrace],
  ['parentbased_always_off', () => new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  [
    'parentbased_traceidratio',
    (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
  ],
  ['always_on', () => new AlwaysOnSampler()],
  ['always_off', () => new AlwaysOffSampler()],
  ['traceidratio', (ratio) => new TraceIdRatioBasedSampler(ratio)],
]);

const ratioDefault = 1;

/**
 * The sampler that `OTEL_TRACES_SAMPLER` names. A value that is not known is reported and ignored,
 * as the specification wants it: other programs may share the variables.
 */
export function chosenSampler(config: Named, log: Log): Sampler {
  const { OTEL_TRACES_SAMPLER: name = 'parentbased_always_on' } = config;
  const make = samplers.get(name);
  if (make === undefined) log.warn('OTEL_TRACES_SAMPLER is not known: it is ignored');
  return (make ?? everyTrace)(chosenRatio(config, log));
}

function chosenRatio({ OTEL_TRACES_SAMPLER_ARG: text }: Named, log: Log): number {
  if (text === undefined) return ratioDefault;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  log.warn('OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: it is ignored');
  return ratioDefault;
}
