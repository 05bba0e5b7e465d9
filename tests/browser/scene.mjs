// What somebody has at hand who walks through the pages: a browser that nobody used yet, with an address of its own, and the
// names of the pages' parts.
import { door } from './door.mjs';
import { post } from './asking.mjs';

const S256 = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };
let addresses = 0;

// Addresses of this machine that no other story uses.
const address = () => `127.0.5.${1 + (addresses++ % 250)}`;

// `round` is how the person meets the pages (`rounds.mjs`); `base` is the server. `watched` gets what the pages ask for.
export async function scene(browser, given, round, base, watched) {
  const from = address(), way = await door(new URL(base).host, from);
  const context = await browser.newContext({
    timezoneId: 'UTC', viewport: { width: 1000, height: 800 }, ...round.context, proxy: { server: way.server, bypass: '<-loopback>' },
  });
  context.setDefaultTimeout(15_000);
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== base && protocol !== 'data:' && !request.isNavigationRequest()) watched.foreign.push(request.url());
  });
  context.on('console', (message) => { if (/Content.Security.Policy|Trusted ?Type|trusted-types/i.test(message.text())) watched.blocked.push(message.text()); });
  context.on('weberror', (error) => watched.blocked.push(`script: ${error.error().message}`));
  const page = await context.newPage();
  const mark = (name) => page.locator(`[data-testid="${name}"]`);
  const it = {
    page, context, given, base, from, mark, round: round.name, hasScript: round.context.javaScriptEnabled !== false,
    strangers: way.strangers,
    person: (part) => given.people[part][round.name] ?? given.people[part].any,
    open: (path) => page.goto(path.startsWith('/') ? base + path : path),
    press: (name) => mark(name).first().click(),
    async fill(fields) {
      for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
    },
    async signIn(who, password = who.password) {
      await it.fill({ login: who.upn, passwd: password });
      await it.press('signin-submit');
    },
    // Nobody is signed in here any more.
    forget: () => context.clearCookies(),
    // The address that an application sends somebody to.
    authorize: (app = given.web, more = {}) => `${base}/${given.tenant}/oauth2/v2.0/authorize?` + new URLSearchParams({
      client_id: app.client, response_type: 'code', redirect_uri: app.redirect, scope: 'openid profile', state: 's', nonce: 'n', ...S256, ...more,
    }),
    // Does something that ends at the application, and tells the address it was sent to. The door ends the way there.
    async answered(act) {
      const [request] = await Promise.all([page.waitForEvent('requestfailed', (one) => one.url().startsWith(given.web.redirect)), act()]);
      await page.waitForURL(/^chrome-error:/);
      return request.url();
    },
    // A device asks for a code, from an address of its own.
    device: (app = given.aks) => post(`${base}/${given.tenant}/oauth2/v2.0/devicecode`, { client_id: app.client, scope: app.scope }, address()),
    // A program signs somebody in with name and password.
    program: (who, password = who.password, scope = 'openid') =>
      post(`${base}/${given.tenant}/oauth2/v2.0/token`, { grant_type: 'password', client_id: given.aks.client, username: who.upn, password, scope }, address()),
    // What a form asks for by itself does not stop it from being sent.
    lax: () => page.evaluate(() => { for (const field of document.querySelectorAll('[required]')) field.required = false; }),
    // An authenticator that chromium plays.
    async authenticator() {
      const cdp = await context.newCDPSession(page);
      await cdp.send('WebAuthn.enable');
      const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
      const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
      return {
        // Whether it believes that its owner is there.
        believes: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
        credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
      };
    },
    async close() {
      await context.close();
      way.close();
    },
  };
  return it;
}
