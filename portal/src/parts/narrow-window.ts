/** Narrower than Mantine's breakpoint `sm`, as in portal.css: lists are cards there. */
export const narrowWindow = '(max-width: 47.99em)';
