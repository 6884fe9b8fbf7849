import { type Command, Option } from 'commander';
import type { BulkFilter } from '../../sdk/api-types.ts';
import { time } from '../values.ts';

export type FilterOptions = {
  user?: string;
  org?: string;
  environment?: string;
  mintedBy?: string;
  createdBefore?: string;
  createdAfter?: string;
  unusedSince?: string;
  neverUsed?: true;
  scope?: string;
};

/** Filters that lists and orders about many keys share; they narrow together. */
export function filterOptions(command: Command): Command {
  return command
    .option('--user <user_id>', 'whose')
    .option('--org <organization_id>', 'in which organization')
    .option('--environment <name>', 'in which environment')
    .option('--minted-by <master_key_id>', 'issued by this master key')
    .option('--created-before <time>', 'before this time; a day from its beginning, in UTC', time)
    .option('--created-after <time>', 'this time or later; a day from its beginning, in UTC', time)
    .option(
      '--unused-since <time>',
      'older than this, and not used since; a day from its beginning, in UTC',
      time,
    )
    .addOption(new Option('--never-used', 'not used at all').conflicts('unusedSince'))
    .option('--scope <scope>', 'with this scope, exactly');
}

export function toFilter(options: FilterOptions): BulkFilter {
  return {
    user_id: options.user,
    organization_id: options.org,
    environment: options.environment,
    minted_by: options.mintedBy,
    created_before: options.createdBefore,
    created_after: options.createdAfter,
    unused_since: options.unusedSince,
    never_used: options.neverUsed,
    scope: options.scope,
  };
}
