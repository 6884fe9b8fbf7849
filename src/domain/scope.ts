/**
 * A scope is an opaque word to us: held or not held, with no wildcards, so that nothing is granted
 * by accident.
 */
export const scopePattern = /^[A-Za-z0-9][A-Za-z0-9_.:/*-]{0,127}$/;
export const scopesMax = 64;
