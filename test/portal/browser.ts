import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { goodPassword } from '../support/platform-users.ts';

/** A real Chromium: the machine's, else Debian's, unpacked without root. */
export async function startBrowser(): Promise<Browser> {
  const { path, env } = await findProgram('chromium');
  return chromium.launch({
    executablePath: path,
    env: { ...process.env, ...env },
    // Its sandbox needs user namespaces, which containers and root do not have; it sees nothing but
    // our own pages.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** Guards against hanging: on a busy machine a page takes ten seconds to appear. */
const stepMs = 50_000;

export type Portal = {
  page: Page;
  /** Problems of the page: console errors, uncaught errors, and violations of its policy. */
  complaints: string[];
  /** Opens a view, waits until it has its heading, and looks at it: axe and the picture. */
  look(name: string): Promise<void>;
  close(): Promise<void>;
};

/** A browser of somebody's own: no cookie, an empty storage. */
export async function openPortal(
  browser: Browser,
  url: string,
  view = '/',
  window: { width: number; height: number; colorScheme?: 'dark' } = { width: 1280, height: 800 },
  cookies: readonly Cookie[] = [],
): Promise<Portal> {
  const { colorScheme = 'light', ...viewport } = window;
  const context = await browser.newContext({
    viewport,
    colorScheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  await context.addCookies([...cookies]);
  const page = await context.newPage();
  page.setDefaultTimeout(stepMs);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (isComplaint(message.type(), message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${url}/platform${view}`);
  return {
    page,
    complaints,
    look: (name) => look(page, name),
    close: async () => {
      await context.close();
      expect(complaints).toEqual([]);
    },
  };
}

/**
 * The browser notes every refusal of the API on the console, wanted or not, and on a busy machine a
 * 503 after which the page asks again. Everything else there is an error of the page.
 */
function isComplaint(type: string, text: string): boolean {
  const isRefusal = /^Failed to load resource: the server responded with a status of (?:4\d\d|503)/.test(
    text,
  );
  return (type === 'error' || type === 'warning') && !isRefusal;
}

/** An input by its name: a required one's label ends in a star, and a password's has no role. */
export function field(within: Page | Locator, name: string): Locator {
  return within.locator(`input[name="${name}"]`);
}

/** Labels of a form's fields, with the star of required ones. */
export function labels(within: Page | Locator): Promise<string[]> {
  return within.locator('.mantine-InputWrapper-label').allTextContents();
}

export type Cookie = { name: string; value: string; url: string; httpOnly: true; sameSite: 'Strict' };

/** Sets the cookie of a login, for tests of other pages. */
export async function sessionCookie(url: string, email: string): Promise<Cookie> {
  const answer = await fetch(`${url}/api/v1/platform/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-flowplate-portal': '1', origin: url },
    body: JSON.stringify({ email, password: goodPassword }),
  });
  const [, name = '', value = ''] = /^([^=]+)=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '') ?? [];
  if (name === '') throw new Error(`log-in of ${email}: ${await answer.text()}`);
  return { name, value, url, httpOnly: true, sameSite: 'Strict' };
}

export async function logInAs(portal: Portal, email: string, password = goodPassword): Promise<void> {
  const { page } = portal;
  await page.getByLabel('Email').fill(email);
  await field(page, 'password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation').waitFor();
}

/** For `evaluate`: all that a script in the page could find of a secret. */
export const everythingKept =
  'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href, document.cookie, document.documentElement.outerHTML])';

const screenshots = join(projectRoot, '.flowplate', 'screenshots');
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

async function look(page: Page, name: string): Promise<void> {
  await page.getByRole('heading').first().waitFor();
  await page.screenshot({ path: join(screenshots, `${name}.png`), animations: 'disabled' });
  // Evaluated by the debugger: the page's policy, rightly, lets no such script in.
  await page.evaluate(await readFile(axePath, 'utf8'));
  const { violations } = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] })',
  )) as AxeResults;
  const found = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`);
  expect(told, name).toEqual([]);
}
