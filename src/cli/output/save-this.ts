/** Printed below every new secret. */
export const saveThis = 'Save this key — it will not be shown again.';

/** Below a new signing secret. */
export const saveSecret = 'Save this secret — it will not be shown again.';
