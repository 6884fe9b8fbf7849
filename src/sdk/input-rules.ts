/** Validation rules of the API for typed input, so that programs can check before they send. */
export { bulkActions } from '../domain/bulk-order.ts';
export { hygieneFindings } from '../domain/hygiene.ts';
export { externalIdPattern } from '../domain/ids.ts';
export { reasonFault } from '../domain/impersonation-reason.ts';
export { numberRanges } from '../domain/number-ranges.ts';
export { readJson } from '../domain/read-json.ts';
export { readTime } from '../domain/read-time.ts';
export { type ReleaseReason, releaseReasons } from '../domain/release-reason.ts';
export { type RevocationReason, revocationReasons } from '../domain/revocation-reason.ts';
