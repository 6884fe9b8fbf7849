/**
 * The nonce of this page's answer. Browsers hide the attribute's text and give it to scripts of the
 * page alone, as a property. react-remove-scroll, which Mantine's dialogs use, looks for it under
 * webpack's name.
 */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

Object.assign(globalThis, { __webpack_nonce__: styleNonce });
