/** Reloads the portal, so that nothing stays in the page's memory. */
export function leaveTo(view: string): void {
  window.location.assign(`/platform${view}`);
}
