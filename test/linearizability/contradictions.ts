import { type Action, isVerification } from './action.ts';
import { findContradiction, type Model, type Operation } from './checker.ts';
import { ownerModel } from './owner-model.ts';
import { bearingOn, keyModel, organizationModel } from './verdict-models.ts';

/** Owner of one key at a time. Owners are independent, except through their organization. */
export type Owner = { userId: string; organizationId: string };

/** An operation, and those whose keys it is about: one, or all of a user or of an organization. */
export type Entry = { owners: readonly Owner[]; operation: Operation<Action> };

/** `near`: the changes around the misfit, for whoever looks into it. */
type Found = { of: string; state: unknown; misfit: Operation<Action>; near: Operation<Action>[] };

const changesNearMax = 8;

/**
 * Everything in what clients saw that the contract rules out. Changes are linearizable for each
 * owner. Verdicts follow them as they are announced: while a change is not settled verifiers may
 * disagree about it, so the verdicts on each key and on each organization are held against the
 * changes of just these; where nothing is unsettled, verdicts are held against all changes.
 */
export function findContradictions(entries: readonly Entry[]): Found[] {
  const owners = [...new Set(entries.flatMap((entry) => entry.owners))];
  const organizationIds = [...new Set(owners.map(({ organizationId }) => organizationId))];
  return [
    ...owners.flatMap((owner) =>
      ofOwner(
        owner,
        historyOf(entries, (other) => other === owner),
      ),
    ),
    ...organizationIds.flatMap((id) =>
      ofOrganization(
        id,
        historyOf(entries, (owner) => owner.organizationId === id),
      ),
    ),
  ];
}

function historyOf(entries: readonly Entry[], concerns: (owner: Owner) => boolean): Operation<Action>[] {
  return entries.filter(({ owners }) => owners.some(concerns)).map(({ operation }) => operation);
}

function ofOwner({ userId, organizationId }: Owner, history: Operation<Action>[]): Found[] {
  const changes = history.filter(({ action }) => !isVerification(action));
  const verifications = history.filter(({ action }) => isVerification(action));
  const quiet = verifications.filter(({ call, returned }) =>
    changes.every((change) => change.settled < call || change.call > returned),
  );
  const keys = new Set(verifications.flatMap(({ action }) => (isVerification(action) ? [action.key] : [])));
  return [
    ...check(`${userId} in ${organizationId}`, [...changes, ...quiet], ownerModel),
    ...[...keys].flatMap((key) =>
      check(`${key} of ${userId} in ${organizationId}`, bearingOn(key, history), keyModel(key)),
    ),
  ];
}

function ofOrganization(organizationId: string, history: Operation<Action>[]): Found[] {
  const bearing = history.filter(
    ({ action }) =>
      ['suspend', 'resume'].includes(action.kind) || (isVerification(action) && action.outcome !== 'refused'),
  );
  return check(organizationId, bearing, organizationModel);
}

function check<State>(of: string, history: Operation<Action>[], model: Model<State, Action>): Found[] {
  const found = findContradiction(history, model);
  if (found === undefined) return [];
  const near = history
    .filter(({ action, call }) => !isVerification(action) && call <= found.misfit.returned)
    .sort((one, other) => one.call - other.call)
    .slice(-changesNearMax);
  return [{ of, ...found, near }];
}
