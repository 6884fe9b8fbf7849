import { RefusalPace } from '../src/http/refusal-pace.ts';
import { serveApi } from './serve-api.ts';

// Without a pace for unknown keys: the cost of one can be seen only where answers are not held
// back.
const unknownKeyPace = new RefusalPace({ perSecond: 1e9, atOnceMax: 1e9, waitMsMax: 0, waitingMax: 0 });
await serveApi({ unknownKeyPace });
