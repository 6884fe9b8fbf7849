import Bowser from 'bowser';

/**
 * A User-Agent header in short, such as "Chrome 140 on Linux". Programs that are no browsers, such
 * as the command line, say their name in short themselves.
 */
export function programName(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown';
  if (!userAgent.startsWith('Mozilla/')) return userAgent;
  const { browser, os } = Bowser.parse(userAgent);
  if (!browser.name || !os.name) return userAgent;
  return `${browser.name} ${browser.version?.split('.')[0] ?? ''} on ${os.name}`;
}
