// What somebody does from one end to the other, each once: { flow, … } for the story.
import { focused, look, structure, tabbed } from './look.mjs';

// Tabs on until the focus is where it is wanted; who needs more than twenty is lost.
async function tab(page, wanted) {
  for (let n = 0; n < 20; n += 1) {
    const here = await focused(page);
    if (wanted(here)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the focus never came there, at last ${JSON.stringify(await focused(page))}`);
}

async function typeSignIn({ page }, who) {
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
    await it.open(address);
    seen[colorScheme] = await it.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  }
  return seen;
}

export const flows = {
  async 'keyboard: sign-in'(it) {
    await it.open(it.authorize());
    const first = await focused(it.page);
    if (first.name !== 'login') throw new Error(`the focus begins at ${JSON.stringify(first)}`);
    const address = await it.answered(() => typeSignIn(it, it.given.people.member.any));
    return { arrived: address.includes('code=') };
  },
  async 'keyboard: device'(it) {
    const { user_code: code, verification_uri: address } = await it.device();
    const { page } = it;
    await it.open(address);
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
    await tab(page, ({ mark }) => mark === 'device-approve');
    await page.keyboard.press('Enter');
    await it.mark('device-done').waitFor();
    return { result: await it.mark('device-done').getAttribute('data-result') };
  },
  // Judges that find nothing have to show that they look.
  async 'a page with barriers'(it) {
    await it.open('/devicelogin');
    await it.page.evaluate(() => {
      document.documentElement.removeAttribute('lang');
      for (const label of document.querySelectorAll('label')) label.remove();
      const main = document.querySelector('main'), button = document.querySelector('button'), link = document.querySelector('footer a');
      const add = (tag, textContent, style) => {
        const made = Object.assign(document.createElement(tag), { textContent });
        Object.assign(made.style, style);
        main.append(made);
      };
      main.style.minWidth = '900px';
      add('h1', 'Another one');
      add('p', 'Pale words', { color: '#ddd' });
      document.querySelector('[name=otc]').setAttribute('aria-describedby', 'nobody');
      Object.assign(button.style, { minHeight: '20px', height: '20px' });
      button.tabIndex = -1;
      link.style.outline = 'none';
    });
    await it.page.setViewportSize({ width: 320, height: 640 });
    const { axe, sideways } = await look(it.page);
    return { rules: axe.map((one) => one.split(':')[0]), sideways, faults: await structure(it.page), tabbed: await tabbed(it.page) };
  },
  async 'a page that asks elsewhere'(it) {
    await it.open('/devicelogin');
    const asked = it.page.waitForEvent('requestfailed', (one) => one.url().startsWith('https://elsewhere.example'));
    await it.page.evaluate(() => { location.href = 'https://elsewhere.example/'; });
    await asked;
    return { strangers: [...it.strangers] };
  },
  async 'first visit'(it) {
    const cdp = await it.context.newCDPSession(it.page);
    await cdp.send('Network.enable');
    let bytes = 0, requests = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; requests += 1; });
    await it.page.goto(it.authorize(), { waitUntil: 'networkidle' });
    return { bytes, requests, fact: `sign-in page, first visit: ${requests} requests, ${(bytes / 1024).toFixed(1)} KiB with headers` };
  },
  'theme: sign-in': (it) => ground(it, it.authorize()),
  'theme: device': (it) => ground(it, '/devicelogin'),
};
