// The pages of the gate in chromium: brings each page into each of its states and looks at it from every side.
//
// The story gives a line of JSON and reads lines of JSON: { page, state, view, axe, sideways, foreign, blocked } for each
// look, { fact } for what is worth telling, { failed } where a state was not reached.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { launch } from './chromium.mjs';
import { flows } from './flows.mjs';
import { states } from './states.mjs';

const [line] = await (async () => { for await (const text of createInterface({ input: process.stdin })) return [text]; })();
const given = JSON.parse(line);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const WIDE = { width: 1000, height: 800 }, NARROW = { width: 320, height: 640 };

// How a person may meet the pages. Each round visits every state anew; its looks only change light and width.
const ROUNDS = [
  { name: 'en', context: { locale: 'en-GB' }, looks: { light: [WIDE, 'light'], dark: [WIDE, 'dark'], '320px': [NARROW, 'light'] } },
  { name: 'no-script', context: { locale: 'en-GB', javaScriptEnabled: false }, looks: { '320px': [NARROW, 'light'] } },
  { name: 'en-XA', context: { locale: 'en-XA' }, looks: { '320px': [NARROW, 'dark'] } },
];

// The certificate authority is believed, not waved through: passkeys need an address that is beyond doubt.
const { browser } = await launch({}, [`--ignore-certificate-errors-spki-list=${given.authority}`]);
// Two at a time: a page waits for the server most of the time.
const waiting = [...ROUNDS];
await Promise.all([round(waiting), round(waiting)]);
for (const [name, walk] of Object.entries(flows)) await act(name, walk);
await browser.close();
say({ done: true });

async function round(rounds) {
  for (let one = rounds.shift(); one; one = rounds.shift()) {
    for (const [name, reach] of Object.entries(states)) await visit(one, name, reach);
  }
}

// A browser that nobody used yet.
async function fresh(one) {
  const context = await browser.newContext({ timezoneId: 'UTC', viewport: WIDE, ...one.context });
  context.setDefaultTimeout(8000);
  return context;
}

async function act(name, walk) {
  const context = await fresh(ROUNDS[0]);
  const page = await context.newPage();
  try {
    const { fact, ...seen } = await walk(scene(page, ROUNDS[0]));
    say({ flow: name, ...seen });
    if (fact) say({ fact: fact.split(': ')[0], value: fact.split(': ').slice(1).join(': ') });
  } catch (error) {
    say({ flow: name, at: page.url(), why: String(error.message).slice(0, 1500), page: (await page.locator('body').innerText().catch(() => '')).slice(0, 600) });
  } finally {
    await context.close();
  }
}

async function visit(one, name, reach) {
  const context = await fresh(one), foreign = [], blocked = [];
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== given.base && protocol !== 'data:' && !request.isNavigationRequest()) foreign.push(request.url());
  });
  context.on('console', (message) => { if (/Content Security Policy|Trusted ?Type|trusted-types/i.test(message.text())) blocked.push(message.text()); });
  context.on('weberror', (error) => blocked.push(`script: ${error.error().message}`));
  const page = await context.newPage();
  try {
    if (await reach(scene(page, one)) === 'absent') return say({ absent: name, view: one.name });
    for (const [look, [viewport, colorScheme]] of Object.entries(one.looks)) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      say({ state: name, view: `${one.name}/${look}`, ...(await look_at(page)), foreign, blocked: [...blocked] });
    }
  } catch (error) {
    say({ failed: name, view: one.name, at: page.url(), why: String(error.message).slice(0, 1500), page: (await page.locator('body').innerText().catch(() => '')).slice(0, 600) });
  } finally {
    await context.close();
  }
}

async function look_at(page) {
  await page.evaluate(axe);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
    const root = document.scrollingElement;
    return {
      axe: violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`),
      sideways: root.scrollWidth > root.clientWidth ? root.scrollWidth - root.clientWidth : 0,
      language: document.documentElement.lang,
      title: document.title,
    };
  }, TAGS);
}

// What a state needs to be reached: the page, its marks, and who may sign in.
function scene(page, one) {
  const mark = (name) => page.locator(`[data-testid="${name}"]`);
  return {
    page, mark, given, look: () => look_at(page), round: one.name, hasScript: one.context.javaScriptEnabled !== false, locale: one.context.locale,
    person: (part) => given.people[part][one.name] ?? given.people[part].any,
    async signIn(who = given.people.member.any, password = who.password) {
      await page.fill('[name=login]', who.upn);
      await page.fill('[name=passwd]', password);
      await mark('signin-submit').click();
    },
  };
}
