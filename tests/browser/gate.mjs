// The pages of the gate in chromium: walks through them, and looks at each state from every side. What is done once is done in
// the browser that people have, the walks in the same engine without windows.
//
// The story gives a line of JSON and reads lines of JSON: { state, view, axe, sideways, … } for each look, { proof } for what
// came of a walk, { failed } where one ended early, { flow, … } for what is done once, { fact } for what is worth telling.
// With SHOTS=FOLDER each look leaves a picture there; with WALKS=REGEXP only some walks are
// walked, and with ONLY=ROUND in one round, to see what one does.
import { createInterface } from 'node:readline';
import { mkdirSync, readFileSync } from 'node:fs';
import { SHELL, launch } from './chromium.mjs';
import { flows } from './flows.mjs';
import { focused, look, structure, tabbed } from './look.mjs';
import { ROUNDS } from './rounds.mjs';
import { scene } from './scene.mjs';
import { consent } from './walks/consent.mjs';
import { device } from './walks/device.mjs';
import { errors } from './walks/errors.mjs';
import { factors } from './walks/factors.mjs';
import { become, first } from './walks/first.mjs';
import { own } from './walks/own.mjs';
import { signin } from './walks/signin.mjs';

const [line] = await (async () => { for await (const text of createInterface({ input: process.stdin })) return [text]; })();
const given = JSON.parse(line);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const STATES = JSON.parse(readFileSync(new URL('states.json', import.meta.url)));
const { ONLY, SHOTS, WALKS } = process.env, since = Date.now(), strangers = new Set();
// The pages wait for the server about half of the time.
const AT_ONCE = 4;

// The certificate authorities are believed, not waved through: passkeys need an address that is beyond doubt.
const trust = [`--ignore-certificate-errors-spki-list=${given.authorities.join(',')}`];
const [walker, desktop] = (await Promise.all([launch({}, trust, SHELL), launch({}, trust)])).map(({ browser }) => browser);
const walks = { ...factors, ...own, ...device, ...signin, ...consent, ...errors };
const waiting = [];
for (const round of ROUNDS.filter((one) => !ONLY || one.name === ONLY)) {
  for (const [name, walk] of Object.entries(walks)) waiting.push(() => go(name, walk, round, given.base));
  for (const [name, walk] of Object.entries(first)) waiting.push(() => go(name, walk, round, given.first.base));
}
for (const [name, walk] of Object.entries(flows)) waiting.push(() => once(name, walk, given.base));
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) await next();
}));
await once('first administrator', become, given.first.base);
await Promise.all([walker.close(), desktop.close()]);
say({ strangers: [...strangers] });
say({ fact: 'all pages of the gate, looked at in a browser', value: `${((Date.now() - since) / 1000).toFixed(0)} s` });
say({ done: true });

// Walks once in a round, and looks wherever the walk says so.
async function go(name, walk, round, base) {
  if (WALKS && !new RegExp(WALKS).test(name)) return;
  const began = Date.now(), scenes = [], last = { state: 'nothing yet' };
  const open = async () => {
    const watched = { foreign: [], blocked: [] };
    const it = await scene(walker, given, round, base, watched);
    scenes.push(it);
    it.another = open;
    it.prove = (proof, held) => say({ proof, round: round.name, held });
    it.look = async (state, mark, more = {}) => {
      if (!(state in STATES)) throw new Error(`states.json does not know \`${state}\``);
      await it.mark(mark).first().waitFor();
      await see(it, round, state, watched, more);
      last.state = state;
    };
    return it;
  };
  const it = await open();
  try {
    await walk(it);
  } catch (error) {
    const page = scenes.at(-1).page;
    say({ failed: name, view: round.name, after: last.state, at: page.url(), why: String(error.message).slice(0, 1500), page: (await page.locator('body').innerText({ timeout: 1000 }).catch(() => '')).slice(0, 800) });
  } finally {
    for (const one of scenes) {
      for (const host of one.strangers) strangers.add(host);
      await one.close();
    }
  }
  process.stderr.write(`${((Date.now() - since) / 1000).toFixed(1)} ${round.name}: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
}

// What a page computes has no end of its own.
function within(work, late) {
  let timer;
  return Promise.race([work, new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(late)), 30_000); })]).finally(() => clearTimeout(timer));
}

// Looks at a state from every side of a round.
async function see(it, round, state, watched, { told, until = 'load' }) {
  const { page } = it;
  if (until) await page.waitForLoadState(until);
  const focus = await focused(page);
  for (const [view, [size, colorScheme]] of Object.entries(round.views)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    const seen = { ...(await within(look(page, it.hasScript), 'the judges did not end')), faults: await structure(page), foreign: watched.foreign.filter((url) => !(told && url.startsWith(told))), blocked: [...watched.blocked] };
    if (SHOTS) await shoot(page, `${state} ${round.name} ${view}`);
    say({ state, view: `${round.name}/${view}`, script: it.hasScript, focus, ...seen });
  }
  if (round.name === 'en') say({ keys: state, faults: await tabbed(page) });
  const [[size, colorScheme]] = Object.values(round.views);
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme });
}

async function shoot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name.replace(/[^a-zA-Z0-9]+/g, '-')}.png`, fullPage: true });
}

// What is done once, in English.
async function once(name, walk, base) {
  if (WALKS && !new RegExp(WALKS).test(name)) return;
  const it = await scene(desktop, given, ROUNDS[0], base, { foreign: [], blocked: [] });
  try {
    const { fact, ...seen } = await walk(it);
    say({ flow: name, ...seen });
    if (fact) say({ fact: fact.split(': ')[0], value: fact.split(': ').slice(1).join(': ') });
  } catch (error) {
    say({ flow: name, at: it.page.url(), why: String(error.message).slice(0, 1500), page: (await it.page.locator('body').innerText({ timeout: 1000 }).catch(() => '')).slice(0, 600) });
  } finally {
    await it.close();
  }
}
