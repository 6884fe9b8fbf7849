/** Scopes are opaque words without wildcards, so that nothing is granted by accident. */
export const scopePattern = /^[A-Za-z0-9][A-Za-z0-9_.:/*-]{0,127}$/;
export const scopesMax = 64;
