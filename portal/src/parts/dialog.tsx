import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

/**
 * Modal, open while mounted. Restores the focus on unmount (WCAG 2.2, 2.4.3), which Mantine does
 * only when `opened` changes. Not for secrets, because its state is kept in memory.
 */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [opener] = useState(() => openerOf(document.activeElement));
  useEffect(() => () => giveBack(opener), [opener]);
  return <Modal opened {...props} />;
}

/** Element to restore the focus to: for a menu entry its menu button. */
function openerOf(active: Element | null): Element | null {
  const menuButton = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return menuButton ? document.getElementById(menuButton) : active;
}

function giveBack(opener: Element | null): void {
  // Another dialog has the focus and keeps it.
  if (document.querySelector('[role="dialog"]') !== null) return;
  // The opener is gone, or the dialog was open from the start.
  const place = opener?.isConnected ? opener : document.getElementById('content');
  if (place instanceof HTMLElement) place.focus();
}
