import { type Command, Option } from 'commander';
import { type ReleaseReason, releaseReasons } from '../../sdk/input-rules.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { propagationText } from '../output/propagation-text.ts';

type Options = { reasonCode?: ReleaseReason };

export function addRelease(keys: Command): void {
  const command = keys
    .command('release <key_id>')
    .description('Ends the quarantine of a reported key within its hour: the key is what it was before.')
    .addOption(
      new Option('--reason-code <code>', 'why it was no leak, for the audit log').choices(releaseReasons),
    )
    .action(
      act(async (cli, { reasonCode: reason }: Options, keyId: string) => {
        const released = await (await cli.keys()).release(keyId, { reason });
        const { key_id, user_id, organization_id, status } = released;
        const owner = `user: ${user_id}, organization: ${organization_id}`;
        cli.say(released, `Released key: ${key_id} (${owner}, ${status}, ${propagationText(released)})`);
      }),
    );
  examples(command, 'flowplate keys release flk_x1y2z3w4 --reason-code false_positive');
}
