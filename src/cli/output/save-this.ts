/** Printed below every new secret. */
export const saveThis = 'Save this key — it will not be shown again.';
