// What comes by itself: a commit of another process, and a page that is saved. These tests change the site `live`.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { check, same, test as named, until } from './harness.mjs';
import { choose, csvOf, figure, hover, ready, tile } from './sight.mjs';

const test = (name, run) => named(name, run, { alone: true });
const commit = page => page.evaluate(() => +document.querySelector('footer.page').dataset.commit);
const isLive = page => page.waitForFunction(() => document.querySelector('.live')?.hidden === false);

test('a commit brings itself to a page, which keeps its scroll, its filters, its open tables and its focus', async visit => {
  const page = await visit.open(`${visit.sites.live}pages/clients`);
  const runs = await visit.open(`${visit.sites.live}runs`);
  await choose(page, () => page.locator('select[name=country]').selectOption('FR'));
  await choose(page, async () => { await page.locator('input[name=top]').fill('25'); await page.keyboard.press('Enter'); });
  await isLive(page);
  await isLive(runs);
  const list = figure(page, 'The same clients');
  await figure(page, 'The clients who spent most').locator('summary').click();
  await list.locator('.scroll').evaluate(it => { it.scrollLeft = 120; });
  await page.evaluate(() => { window.mine = true; scrollTo(0, 900); });
  await page.locator('select[name=status]').evaluate(it => it.focus({ preventScroll: true }));
  const state = () => page.evaluate(() => ({
    address: location.href, down: scrollY, across: [...document.querySelectorAll('figure .scroll')].map(it => it.scrollLeft),
    country: document.querySelector('select[name=country]').value, top: document.querySelector('input[name=top]').value,
    open: [...document.querySelectorAll('details[open]')].map(it => it.closest('figure').id), focus: document.activeElement.name, isMine: window.mine,
  }));
  const [before, first, rows] = [await state(), await commit(page), await csvOf(page, list)];
  same(before.down, 900, 'it is scrolled');
  for (const { program, arguments: words, variables } of visit.settings.live.commands) {
    await promisify(execFile)(program, words, { env: { ...process.env, ...variables } });
  }
  await until(async () => await commit(page) > first, 'the commit to come');
  await until(async () => JSON.stringify(await csvOf(page, list)) !== JSON.stringify(rows), 'other rows');
  // The run makes more than one commit; the page is still when the newest has come.
  const newest = Math.max(...await page.evaluate(async () => {
    const text = await (await fetch('/runs')).text();
    return [...text.matchAll(/data-commit="(\d+)"/g)].map(match => +match[1]);
  }));
  await until(async () => await commit(page) === newest && await commit(runs) === newest, 'the newest commit');
  await ready(page);
  same(await state(), before, 'what the reader had chosen');
  check((await runs.locator('table.data tbody tr').first().textContent()).startsWith(String(newest)), 'the list of runs has it');
  const shown = await page.locator('figure', { has: page.getByText('The same clients') }).locator('tbody tr').count();
  same(shown, (await csvOf(page, list)).length, 'the table has the rows of the new commit');
  // The charts that came are alive too.
  await page.goto(`${visit.sites.live}pages/temporal`);
  check(await hover(page, figure(page, 'Revenue'), 0.5), 'a tip');
});

test('a page that is saved is shown at once, a wrong one says file, key and what would be right, and then it is right again', async visit => {
  const file = join(visit.settings.live.pages, 'geography.toml'), text = readFileSync(file, 'utf8');
  const page = await visit.open(`${visit.sites.live}pages/geography?top=3`);
  await isLive(page);
  await page.evaluate(() => { window.mine = true; });
  const save = changed => writeFileSync(file, changed);
  try {
    save(text.replace('title = "Geography"', 'title = "Where"').replace('[[chart]]', '[[chart]]\nkind = "stat"\ntitle = "All revenue"\ntable = "country_analytics"\nsum = "revenue"\n\n[[chart]]'));
    await page.waitForFunction(() => document.querySelector('h1').textContent === 'Where');
    await page.waitForFunction(() => document.title.startsWith('Where'));
    check(await page.locator('header.top nav a[aria-current]').textContent() === 'Where', 'the menu has the new title');
    check(/\d/.test((await tile(page, 'All revenue')).number), 'the new tile has a number');

    const why = page.locator('.why');
    for (const [wrong, words] of [
      [text.replace('top = true', 'topp = true'), ['geography.toml', 'topp', 'expected', '`top`']],
      [text.replace('y = "revenue"', 'y = 7'), ['geography.toml', 'y = 7']],
      [text.replace('kind = "bar"', 'kind = "pie"'), ['geography.toml', 'pie', '`bar`', '`share`']],
      [text.replace('choose = "country"', 'choose = "land"'), ['geography.toml', 'chart 1', 'choose', 'no filter `land`']],
      [text.replace('rows = 10', 'rows = ten'), ['geography.toml', 'rows = ten']],
    ]) {
      check(wrong !== text, 'the text has what is to be wrong');
      save(wrong);
      await until(async () => {
        const said = await why.count() ? await why.textContent() : '';
        return words.every(word => said.includes(word));
      }, `a message with ${words.join(', ')}; it says: ${await why.count() ? await why.textContent() : await page.locator('main').innerText()}`);
    }
    // A column that is not there is said by the chart, and the others are shown.
    save(text.replace('y = "revenue"', 'y = "revenu"'));
    await page.waitForFunction(() => document.querySelector('.blank.failed'));
    const failed = await page.locator('.blank.failed').textContent();
    check(failed.includes('`country_analytics` has no column `revenu`') && failed.includes('revenue'), failed);
    same(await page.locator('figure .chart').count(), 3, 'the other charts');
  } finally {
    save(text);
  }
  await page.waitForFunction(() => document.querySelectorAll('figure .chart').length === 4 && !document.querySelector('.blank'));
  same((await page.evaluate(() => [window.mine, location.search])), [true, '?top=3'], 'all without a reload, and with its filter');

  // A page that is new is in the menu, and leaves it again.
  const other = join(visit.settings.live.pages, 'new_one.toml');
  try {
    writeFileSync(other, text.replace('title = "Geography"', 'title = "New one"'));
    await page.locator('header.top').getByRole('link', { name: 'New one' }).click();
    await page.waitForURL(/pages\/new_one/);
    check(await page.locator('figure').count() > 3, 'it is shown');
    await page.goto(`${visit.sites.live}pages/geography`);
    await isLive(page);
  } finally {
    rmSync(other, { force: true });
  }
  await page.waitForFunction(() => !document.querySelector('header.top').textContent.includes('New one'));
});
