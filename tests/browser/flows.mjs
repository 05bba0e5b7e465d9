// What somebody does from one end to the other, each once: { flow, … } for the story.
import { answered, authorize, begin } from './states.mjs';

const focused = (page) => page.evaluate(() => ({ mark: document.activeElement?.dataset?.testid, name: document.activeElement?.getAttribute('name'), tag: document.activeElement?.tagName }));

// Tabs on until the focus is where it is wanted; who needs more than twenty is lost.
async function tab(page, wanted) {
  for (let n = 0; n < 20; n += 1) {
    const here = await focused(page);
    if (wanted(here)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the focus never came there, at last ${JSON.stringify(await focused(page))}`);
}

async function typeSignIn(it, who) {
  const { page } = it;
  await tab(page, ({ name }) => name === 'login');
  await page.keyboard.type(who.upn);
  await page.keyboard.press('Tab');
  if ((await focused(page)).name !== 'passwd') throw new Error('after the name comes the password');
  await page.keyboard.type(who.password);
  await page.keyboard.press('Enter');
}

async function ground(it, address) {
  const seen = {};
  for (const colorScheme of ['light', 'dark']) {
    await it.page.emulateMedia({ colorScheme });
    await it.page.goto(address);
    seen[colorScheme] = await it.page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor);
  }
  return seen;
}

export const flows = {
  async 'keyboard: sign-in'(it) {
    await it.page.goto(authorize(it));
    const first = await focused(it.page);
    if (first.name !== 'login') throw new Error(`the focus begins at ${JSON.stringify(first)}`);
    const address = await answered(it, () => typeSignIn(it, it.given.people.member.any));
    return { arrived: address.includes('code=') };
  },
  async 'keyboard: device'(it) {
    const { user_code: code, verification_uri: address } = await begin(it);
    const { page } = it;
    await page.goto(address);
    await tab(page, ({ name }) => name === 'otc');
    await page.keyboard.type(code.toLowerCase());
    await page.keyboard.press('Enter');
    await it.mark('signin-form').waitFor();
    await typeSignIn(it, it.given.people.member.any);
    await it.mark('device-confirm-title').waitFor();
    const here = await focused(page);
    if (here.mark !== 'device-confirm-title') throw new Error(`the focus is on ${JSON.stringify(here)}, not on the heading`);
    // W-110: nothing is agreed to by Enter on load.
    await page.keyboard.press('Enter');
    if (await it.mark('device-confirm-check').count()) {
      await tab(page, ({ mark }) => mark === 'device-confirm-check');
      await page.keyboard.press('Space');
    }
    await tab(page, ({ mark }) => mark === 'device-approve');
    await page.keyboard.press('Enter');
    await it.mark('device-done').waitFor();
    return { result: await it.mark('device-done').getAttribute('data-result') };
  },
  // A judge that finds nothing has to show that it looks.
  async 'a page with barriers'(it) {
    await it.page.goto(`${it.given.base}/devicelogin`);
    await it.page.evaluate(() => {
      document.documentElement.removeAttribute('lang');
      document.querySelectorAll('label').forEach((label) => label.remove());
      document.querySelector('main').style.minWidth = '900px';
    });
    await it.page.setViewportSize({ width: 320, height: 640 });
    const { axe, sideways } = await it.look();
    return { rules: axe.map((one) => one.split(':')[0]), sideways };
  },
  async 'first visit'(it) {
    const cdp = await it.page.context().newCDPSession(it.page);
    await cdp.send('Network.enable');
    let bytes = 0, requests = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; requests += 1; });
    await it.page.goto(authorize(it), { waitUntil: 'networkidle' });
    return { bytes, requests, fact: `sign-in page, first visit: ${requests} requests, ${(bytes / 1024).toFixed(1)} KiB with headers` };
  },
  'theme: sign-in': (it) => ground(it, authorize(it)),
  'theme: device': (it) => ground(it, `${it.given.base}/devicelogin`),
  // An authenticator that chromium plays: it makes a passkey on the person's own page, which then opens the gate without a password.
  async passkey(it) {
    const { page } = it, who = it.given.people.passkey.any;
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
    await page.goto(`${it.given.base}/me`);
    await it.signIn(who);
    await it.mark('passkey-add').click();
    await it.mark('enroll-passkey').click();
    await page.waitForURL((url) => !url.pathname.endsWith('/add'));
    const shown = await it.mark('recovery-codes').count();
    await page.goto(`${it.given.base}/me`);
    await it.mark('me-passkey-change').waitFor();
    await page.context().clearCookies();
    await page.goto(authorize(it));
    const address = await answered(it, () => it.mark('signin-passkey').click());
    return { arrived: address.includes('code='), codes: shown };
  },
};
