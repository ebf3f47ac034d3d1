// What a reader sees on a page: tiles, figures, their tables and their CSV.
import { check, until } from './harness.mjs';
import { objects } from './table.mjs';

/** Waits until the script of a page has wired all its charts. */
export const ready = page => page.waitForFunction(() => !document.querySelector('main[aria-busy], .chart:not([data-live])'));

/** Does something that changes what is chosen, and waits until the page shows it. */
export async function choose(page, what) {
  const before = page.url();
  await page.evaluate(() => { document.querySelector('main').dataset.before = ''; });
  await what();
  await page.waitForFunction(() => !document.querySelector('main[data-before]'));
  await ready(page);
  return [before, page.url()];
}

/** Returns the number, the change, the note and the proof of a tile. */
export async function tile(page, title) {
  const at = page.locator(`section.stat[aria-label="${title}"]`);
  check(await at.count() === 1, `no tile \`${title}\``);
  return read(at);
}

const read = at => at.evaluate(tile => {
  const text = part => tile.querySelector(part)?.textContent ?? '';
  return { title: tile.ariaLabel, number: text('.number'), change: text('.change'), note: text('.note'), proof: tile.querySelector('a.proof')?.href };
});

export const tiles = async page => Promise.all((await page.locator('section.stat').all()).map(read));

/** Returns the figure of that title. */
export function figure(page, title) {
  return page.locator('figure').filter({ has: page.locator('h3', { hasText: new RegExp(`^${title.replace(/[?.]/g, '\\$&')}$`) }) });
}

/** Returns the table that a figure shows, or that behind it: a header and rows of texts, without links to proofs. */
export const tableOf = at => at.evaluate(read => {
  const table = read.querySelector('table.data');
  const text = cell => cell.textContent.trim();
  const proofs = table.querySelector('td.from') ? -1 : undefined;
  const cells = row => [...row.cells].map(text).slice(0, proofs);
  return { header: cells(table.tHead.rows[0]), rows: [...table.tBodies[0].rows].map(cells) };
});

/** Returns all figures with rows: the title, the table, the CSV, whether rows are left out, and whether it is more than a table. */
export async function figuresOf(page) {
  const read = figure => figure.evaluate(async figure => ({
    title: figure.querySelector('h3').textContent,
    cut: Boolean(figure.querySelector('.state.truncated, .more')),
    isChart: Boolean(figure.querySelector('.chart')),
    csv: await (await fetch(figure.querySelector('a.csv').href)).text(),
  }));
  const all = await page.locator('figure').filter({ has: page.locator('table.data') }).all();
  return Promise.all(all.map(async figure => ({ ...await read(figure), table: await tableOf(figure) })));
}

/** Returns the rows of a figure's CSV. */
export async function csvOf(page, at) {
  const href = await at.locator('a.csv').getAttribute('href');
  return objects(await page.evaluate(async href => (await fetch(href)).text(), href));
}

/** Moves the pointer over a part of a chart, as shares of its width and height, and returns what the tip says. */
export async function hover(page, at, across, down = 0.5) {
  const canvas = at.locator('.canvas, .list').first();
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + box.width * across, box.y + box.height * down);
  return tip(at);
}

/** Returns what the tip of a chart says: its head, and values by name. */
export async function tip(at) {
  const read = () => at.evaluate(figure => {
    const tip = figure.querySelector('.tip');
    const rows = [...tip?.querySelectorAll('div') ?? []].map(row => [row.querySelector('span').textContent, row.querySelector('em').textContent]);
    return tip?.firstChild ? { head: tip.querySelector('b').textContent, values: Object.fromEntries(rows) } : null;
  });
  return until(read, 'a tip');
}
