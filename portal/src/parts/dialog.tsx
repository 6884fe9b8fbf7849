import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

/**
 * Open as long as it is there. Mantine gives the focus back only when `opened` changes; here the
 * dialog goes as a whole, and without this the keyboard would start again at the top of the page
 * (WCAG 2.2, 2.4.3). Not for a secret: nothing may hold on to what was shown.
 */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [opener] = useState(() => openerOf(document.activeElement));
  useEffect(() => () => giveBack(opener), [opener]);
  return <Modal opened {...props} />;
}

/** What stays when this dialog is gone: for an entry of a menu its button. */
function openerOf(active: Element | null): Element | null {
  const menuButton = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return menuButton ? document.getElementById(menuButton) : active;
}

function giveBack(opener: Element | null): void {
  // Another dialog has it already, and keeps it.
  if (document.querySelector('[role="dialog"]') !== null) return;
  // The row that it was opened from may be gone, or the dialog was open from the beginning.
  const place = opener?.isConnected ? opener : document.getElementById('content');
  if (place instanceof HTMLElement) place.focus();
}
