/** Changes of many keys at once. `revoke` is for good. */
export const bulkActions = ['revoke', 'disable', 'enable'] as const;
export type BulkAction = (typeof bulkActions)[number];
