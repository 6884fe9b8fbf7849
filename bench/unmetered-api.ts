import { serveApi } from './serve-api.ts';

// With a meter of verifications that does nothing: the control arm of the benchmark of metrics.
const nothing = () => undefined;
await serveApi({ verifications: { startMs: () => 0, end: nothing, count: nothing, time: nothing } });
