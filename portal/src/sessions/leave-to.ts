/** Loads the portal anew: nothing of what was seen stays in the memory of the page. */
export function leaveTo(view: string): void {
  window.location.assign(`/platform${view}`);
}
