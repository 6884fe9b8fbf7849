/**
 * CSP nonce of this page. Browsers hide the attribute and expose it as a property.
 * react-remove-scroll, which Mantine's dialogs use, expects it under webpack's name.
 */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

Object.assign(globalThis, { __webpack_nonce__: styleNonce });
