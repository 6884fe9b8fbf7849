import { checkAdvisories } from './checks/advisories.ts';

const { ok, output } = await checkAdvisories();
console.log(output);
process.exitCode = ok ? 0 : 1;
