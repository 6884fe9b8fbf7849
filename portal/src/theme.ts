import { Badge, type CSSVariablesResolver, createTheme, Modal } from '@mantine/core';

export const theme = createTheme({
  // Lightest shades with a contrast of 4.5 to white text (WCAG 2.2, 1.4.3).
  primaryShade: { light: 8, dark: 8 },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // Keeps short badges whole in narrow columns.
    Badge: Badge.extend({ defaultProps: { miw: 'max-content', tt: 'none' } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
  },
});

/** Mantine's secondary texts and errors have a contrast below 4.5. */
export const readableColors: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
  },
});
