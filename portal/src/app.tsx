import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { BrowserRouter } from 'react-router';
import { queryClient } from './query-client.ts';
import { styleNonce } from './style-nonce.ts';
import { readableColors, theme } from './theme.ts';
import { Views } from './views.tsx';

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readableColors}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <BrowserRouter basename="/platform">
          <Views />
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  );
}
