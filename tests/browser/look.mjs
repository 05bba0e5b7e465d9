// What is seen of a page from one side: the barriers that axe-core finds, what is wider than the window, what the page is made
// of, where the focus is, and where the Tab key leads.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

export async function look(page, hasScript = true) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    // Where scripts are switched off timers never come, and axe-core waits for them.
    if (!hasScript) await page.evaluate(() => { window.setTimeout = (act, wait, ...more) => { if (!wait) Promise.resolve().then(() => act(...more)); return 0; }; });
    await page.evaluate(axe);
  }
  return page.evaluate(async (tags) => {
    const { violations, passes } = await window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'], preload: false });
    const root = document.scrollingElement;
    return {
      axe: violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`),
      passed: passes.length,
      sideways: root.scrollWidth - root.clientWidth,
      language: document.documentElement.lang,
      title: document.title,
    };
  }, TAGS);
}

// What no tool of others knows: the rules of these pages about their parts (W-041, W-042, W-043).
export function structure(page) {
  return page.evaluate(() => {
    const faults = [], all = (selector) => [...document.querySelectorAll(selector)];
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
    const told = (element) => element.outerHTML.slice(0, 160);
    for (const [selector, count] of [['h1', 1], ['main', 1], ['main#main', 1], ['[tabindex]:not([tabindex="0"]):not([tabindex="-1"])', 0], ['[placeholder]', 0]]) {
      if (all(selector).length !== count) faults.push(`${all(selector).length} of ${selector}`);
    }
    for (const field of all('input:not([type=hidden]), select, textarea').filter(shown)) {
      if (![...field.labels].some(shown)) faults.push(`no label is seen: ${told(field)}`);
    }
    for (const element of all('[aria-describedby], [aria-labelledby]')) {
      for (const id of `${element.getAttribute('aria-describedby') ?? ''} ${element.getAttribute('aria-labelledby') ?? ''}`.trim().split(/\s+/)) {
        if (!document.getElementById(id)) faults.push(`nothing is called ${id}: ${told(element)}`);
      }
    }
    for (const alert of all('[role=alert]').filter(shown)) {
      if (!alert.innerText.trim()) faults.push('an alert without a word');
    }
    for (const element of all('button, .button, input:not([type=hidden]), select, summary, a').filter(shown)) {
      const { width, height } = element.getBoundingClientRect();
      const isLink = element.matches('a:not(.button)'), least = element.matches('button, .button') ? 44 : 24;
      // A link within a sentence is as high as the sentence (2.5.8).
      if (isLink ? false : height < least - 0.5 || width < 23.5) faults.push(`${width.toFixed(0)} x ${height.toFixed(0)} px: ${told(element)}`);
    }
    // Words that leave the box they stand in.
    for (const element of all('main, main *, header *').filter((one) => shown(one) && !one.closest('svg, .unseen'))) {
      if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).overflowX === 'visible') {
        faults.push(`words leave their box by ${element.scrollWidth - element.clientWidth} px: ${told(element)}`);
      }
    }
    return faults;
  });
}

// Where the focus is.
export const focused = (page) => page.evaluate(() => {
  const { dataset, tagName, id } = document.activeElement ?? {};
  return { mark: dataset?.testid, name: document.activeElement?.getAttribute('name'), tag: tagName, id };
});

// What the Tab key reaches, and whether one sees where it is: everything that can be used has to be among it.
export async function tabbed(page) {
  const wanted = await page.evaluate(() => {
    const usable = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')];
    window.stops = usable.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }));
    window.reached = new Set();
    return window.stops.length;
  });
  const faults = [];
  for (let n = 0; n < 2 * wanted + 4; n += 1) {
    await page.keyboard.press('Tab');
    const { all, fault } = await page.evaluate(() => {
      const here = document.activeElement, at = window.stops.indexOf(here);
      if (at < 0) return { all: false, fault: here === document.body || here === document.documentElement ? undefined : `the focus is on ${here.outerHTML.slice(0, 160)}` };
      const isNew = !window.reached.has(at), style = getComputedStyle(here), { top, bottom } = here.getBoundingClientRect();
      window.reached.add(at);
      let fault;
      if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 3 || parseFloat(style.outlineOffset) < 2) fault = 'no ring';
      else if (bottom < 0 || top > innerHeight) fault = 'out of sight';
      return { all: window.reached.size === window.stops.length, fault: isNew && fault ? `${fault}: ${here.outerHTML.slice(0, 160)}` : undefined };
    });
    if (fault) faults.push(fault);
    if (all) return faults;
  }
  const missed = await page.evaluate(() => window.stops.filter((_, at) => !window.reached.has(at)).map((one) => one.outerHTML.slice(0, 160)));
  return [...faults, ...missed.map((one) => `not reached: ${one}`)];
}
