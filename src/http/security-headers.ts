import helmet from 'helmet';

/** Middleware for the headers that confine a browser: Content-Security-Policy and its like. */
export const securityHeaders = helmet();
