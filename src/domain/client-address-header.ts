/**
 * Names the address of the end client where an embedded verifier asks the broker for a record. A
 * broker of an earlier release ignores a header, and refuses an unknown member of the body.
 */
export const clientAddressHeader = 'x-flowplate-client-address';
