// Runs tests in one browser, a few at a time: while one waits for a page, another goes on. A page that asks another server for something, or writes an error to its
// console, fails its test.
import { chromium } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--lang=en-US'];
// Longer than anything takes, on a busy machine too.
const LONG = 120_000;
/** The tests that run at a time. */
const LANES = 2;
const tests = [];

/** Names a test. `run` gets the sites, and opens pages with `open`. Of those that are `alone` only one runs at a time. */
export function test(name, run, { alone = false } = {}) {
  tests.push({ name, run, alone });
}

export function check(is, words) {
  if (!is) throw new Error(typeof words === 'function' ? words() : words);
}

export function same(found, expected, what) {
  const [a, b] = [found, expected].map(value => JSON.stringify(value));
  check(a === b, () => `${what}:\n    found    ${shortened(a)}\n    expected ${shortened(b)}`);
}
const shortened = text => text?.length > 1500 ? text.slice(0, 1500) + '…' : text;

/** Calls `look` until it returns something true, which it returns. */
export async function until(look, what) {
  const end = Date.now() + LONG;
  for (;;) {
    const found = await look();
    if (found) return found;
    check(Date.now() < end, `waited in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Runs all tests whose names have `filter`. Returns how many failed. */
export async function run(settings, filter = '') {
  const browser = await chromium.launch({ executablePath: settings.chromium, args: [...FLAGS, ...settings.flags ?? []] });
  let failed = 0;
  const one = async ({ name, run }) => {
    const began = Date.now();
    const visit = new Visit(browser, settings);
    let why = '';
    try {
      await run(visit);
      visit.check();
    } catch (error) {
      // The stack of an error repeats its message; that of a check says no more than the message.
      const words = (error.message.startsWith('page.') || error.name !== 'Error' ? error.stack : error.message).replace(/\x1b\[\d+m/g, '');
      why = `\n    ${words}${await visit.keep(name)}`;
      failed += 1;
    }
    await visit.end();
    console.log(`${why ? 'FAIL' : 'ok  '} ${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}${why}`);
  };
  const wanted = tests.filter(test => test.name.includes(filter));
  const [alone, others] = [true, false].map(alone => wanted.filter(test => test.alone === alone));
  const lane = async tests => { for (let test; (test = tests.shift());) await one(test); };
  try {
    await Promise.all([lane(alone).then(() => lane(others)), ...Array.from({ length: LANES - 1 }, () => lane(others))]);
  } finally {
    await browser.close();
  }
  return failed;
}

/** The pages that a test opens. */
class Visit {
  constructor(browser, settings) {
    Object.assign(this, { browser, settings, contexts: [], wrong: [], sites: settings.sites });
  }

  /** Opens a page in a browser of its own. */
  async open(address, options = {}) {
    const { width = 1280, height = 900, theme = 'light', ...more } = options;
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: 'en-GB', timezoneId: 'UTC', ...more });
    context.setDefaultTimeout(LONG);
    this.contexts.push(context);
    const origins = Object.values(this.sites).map(site => new URL(site).origin);
    context.on('request', request => {
      const url = new URL(request.url());
      if (!['data:', 'blob:'].includes(url.protocol) && !origins.includes(url.origin)) this.wrong.push(`asks ${url} for something`);
    });
    context.on('console', message => message.type() === 'error' && this.wrong.push(`console: ${message.text()} (${message.location().url})`));
    context.on('weberror', error => this.wrong.push(`script: ${error.error().message}`));
    if (this.settings.assets) await served(context, this.settings.assets);
    const page = await context.newPage();
    await page.goto(address);
    return page;
  }

  check() {
    check(this.wrong.length === 0, () => [...new Set(this.wrong)].join('\n    '));
  }

  /** Keeps a picture of each page that is open. Returns where they are. */
  async keep(name) {
    mkdirSync(this.settings.work, { recursive: true });
    const kept = [];
    for (const [at, page] of this.contexts.flatMap(context => context.pages()).entries()) {
      const path = join(this.settings.work, `failed-${name.replace(/[^a-z0-9]+/gi, '-')}-${at + 1}.png`);
      await page.screenshot({ path, fullPage: true, timeout: 5000 }).then(() => kept.push(`\n    ${page.url()} looks like ${path}`), () => {});
    }
    return kept.join('');
  }

  async end() {
    for (const context of this.contexts) await context.close();
  }
}

/** Serves style and scripts from the working tree in place of those in the binary, to try a change without a build. */
async function served(context, assets) {
  const { readFileSync } = await import('node:fs');
  const read = name => readFileSync(join(assets, name), 'utf8');
  const types = { css: 'text/css', js: 'text/javascript' };
  await context.route('**/assets/*.{css,js}', route => {
    const name = new URL(route.request().url()).pathname.split('/').pop();
    const body = name === 'page.css' ? read('charts.css') + '\n' + read('page.css') : read(name);
    return route.fulfill({ body, contentType: types[name.split('.').pop()] });
  });
}
