import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';

const policyPath = '/api/v1/platform/tenants/{id}/policy';
const reportPath = '/api/v1/platform/tenants/{id}/policy/report';

type Json<Message> = Message extends { content: { 'application/json': infer Body } } ? Body : never;

export type Policy = Json<NonNullable<paths[typeof policyPath]['put']['requestBody']>>;
type Report = Json<paths[typeof reportPath]['post']['responses'][200]>;

/** Sum of the pages so far; `next` when there are more. */
export type PolicyReport = Omit<Report, 'next_cursor'> & { next: string | null };

const policyKey = 'tenant policy';

export function usePolicy(id: string) {
  return useQuery({
    queryKey: [policyKey, id],
    queryFn: () => answerTo(api.GET(policyPath, { params: { path: { id } } })),
  });
}

/** Sets a policy; null takes it away. */
export function usePolicyChange(id: string, onDone: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (policy: Policy | null) => send(id, policy),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: [policyKey, id] });
      onDone();
    },
  });
}

function send(id: string, policy: Policy | null): Promise<Get<typeof policyPath>> {
  const params = { path: { id } };
  if (policy === null) return answerTo(api.DELETE(policyPath, { params }));
  return answerTo(api.PUT(policyPath, { params, body: policy }));
}

/** Pages of one step: a hundred thousand keys, or ten thousand finds, in some seconds. */
const pagesMax = 10;
const listedMax = 20;

/** Checks the keys of a tenant against a document, from the beginning or after `so far`. */
export function usePolicyReport(id: string) {
  return useMutation({
    mutationFn: async ({ policy, soFar }: { policy: Policy; soFar?: PolicyReport | undefined }) => {
      let report = soFar ?? { examined: 0, non_compliant: 0, by_rule: {}, data: [], next: null };
      for (let page = 0; page < pagesMax; page++) {
        report = addPage(report, await readPage(id, policy, report.next));
        if (report.next === null) break;
      }
      return report;
    },
  });
}

function readPage(id: string, policy: Policy, cursor: string | null): Promise<Report> {
  const body = { policy, limit: 1_000, ...(cursor !== null && { cursor }) };
  const params = { path: { id } };
  return answerTo(api.POST(reportPath, { params, body }));
}

function addPage(report: PolicyReport, page: Report): PolicyReport {
  const counts: Record<string, number> = { ...report.by_rule };
  for (const [rule, count] of Object.entries(page.by_rule)) counts[rule] = (counts[rule] ?? 0) + count;
  return {
    examined: report.examined + page.examined,
    non_compliant: report.non_compliant + page.non_compliant,
    by_rule: counts,
    data: [...report.data, ...page.data].slice(0, listedMax),
    next: page.next_cursor,
  };
}
