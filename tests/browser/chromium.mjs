// Debian's chromium under playwright-core. Only loopback is visited, so the demo's own certificate authority is taken as it is.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
// The same engine without windows: it walks twice as fast.
export const SHELL = '/usr/bin/chromium-headless-shell';

// `more` is for the browser's own command line.
export async function launch(options = {}, more = [], executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place))) {
  if (!existsSync(executablePath ?? '')) throw new Error('chromium is not installed: scripts/setup-debian.sh installs it');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...more] });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, viewport: { width: 800, height: 720 }, locale: 'en-GB', timezoneId: 'UTC', colorScheme: 'light', ...options,
  });
  return { browser, context };
}
