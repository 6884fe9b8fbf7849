import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { addBulk } from './user-keys-bulk.ts';
import { addDisable, addEnable, addUpdate } from './user-keys-changing.ts';
import { addCheck } from './user-keys-check.ts';
import { addHygiene } from './user-keys-hygiene.ts';
import { addImport } from './user-keys-import.ts';
import { addReading } from './user-keys-reading.ts';
import { addRefused } from './user-keys-refused.ts';
import { addRelease } from './user-keys-release.ts';
import { addRevoke, addRevokeAll } from './user-keys-revoking.ts';
import { addMint, addRefresh } from './user-keys-secrets.ts';
import { addVerify } from './user-keys-verify.ts';

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description(
      "Users' hidden keys. Works with the master key in FLOWPLATE_MASTER_KEY; operators can look at keys and revoke them without.",
    );
  addMint(keys);
  addRefresh(keys);
  addRevoke(keys);
  addRevokeAll(keys);
  addRelease(keys);
  addBulk(keys);
  addUpdate(keys);
  addEnable(keys);
  addDisable(keys);
  addImport(keys);
  addReading(keys);
  addHygiene(keys);
  addRefused(keys);
  addVerify(keys);
  addCheck(keys);
  examples(
    keys,
    'flowplate keys mint --user usr_42 --org org_acme',
    'flowplate keys list --user usr_42',
    'flowplate keys revoke-all usr_42',
  );
}
