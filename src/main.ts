import cluster from 'node:cluster';
import { runApi } from './api.ts';
import { readConfigOrExit } from './config.ts';
import { runPrimary } from './primary.ts';

const config = readConfigOrExit();

if (config.API_PROCESSES > 1 && cluster.isPrimary) runPrimary(config);
else await runApi(config);
