// Every number leads in one click to where it comes from, and the number there is the number clicked.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { check, same, test } from './harness.mjs';
import { ready, tiles } from './sight.mjs';
import { objects, shows } from './table.mjs';

/** Returns the keys of each chart of a page's file that has a title and numbers. */
function chartsOf(file) {
  const charts = readFileSync(file, 'utf8').split('[[chart]]').slice(1);
  return charts.map(chart => Object.fromEntries([...chart.matchAll(/^(\w+) = (.+)$/gm)].map(([, key, value]) => {
    try { return [key, JSON.parse(value)]; } catch { return [key, value]; }
  })));
}

for (const [site, pipeline] of [['analytics', 'analytics'], ['shop', 'ecommerce']]) {
  test(`${site}: each tile leads to its number`, async visit => {
    const folder = join(visit.settings.pipelines, pipeline, 'pages');
    const page = await visit.open(visit.sites[site]);
    let seen = 0;
    for (const name of readdirSync(folder).map(file => file.replace('.toml', ''))) {
      const address = `${visit.sites[site]}pages/${name}`;
      await page.goto(address);
      const proofs = await page.locator('section.stat').evaluateAll(all => Object.fromEntries(all.map(it => [it.ariaLabel, it.querySelector('a.proof').href])));
      for (const [at, { title, number }] of (await tiles(page)).entries()) {
        const chart = chartsOf(join(folder, `${name}.toml`)).find(chart => chart.kind === 'stat' && chart.title === title);
        check(chart, `the file of ${name} has no tile \`${title}\``);
        // A click leads to the address of the link: one of each page tells.
        if (at) await page.goto(proofs[title]);
        else await page.locator(`section.stat[aria-label="${title}"] a.proof`).click();
        await page.waitForURL(proofs[title]);
        const what = `${title} of ${name}`;
        if (chart.value) {
          const found = await page.locator('dl.row > div').evaluateAll(all => all.map(it => [it.querySelector('dt').firstChild.textContent, it.querySelector('dd').textContent]));
          const text = Object.fromEntries(found)[chart.value];
          const plain = text?.replace(/,/g, '');
          check(text !== undefined && (text === number || shows(number, plain)), `${what} is ${number}, and its proof says ${text}`);
          check(await page.locator('.steps li').count() > 1, `${what}: the steps to it`);
        } else {
          const [href] = await page.locator('.downloads a').evaluateAll(all => all.map(it => it.href));
          const rows = objects(await page.evaluate(async href => (await fetch(href)).text(), href));
          const sum = column => rows.reduce((sum, row) => sum + +row[column], 0);
          const value = chart.sum ? sum(chart.sum) : sum(chart.ratio[0]) / sum(chart.ratio[1]);
          check(shows(number, value), `${what} is ${number}, and the rows that it leads to come to ${value}`);
        }
        seen += 1;
      }
    }
    check(seen > (site === 'shop' ? 2 : 20), `${seen} tiles`);
  });
}

test('each figure and each row leads to where it comes from', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/geography`);
  const figures = page.locator('figure');
  const count = await figures.count();
  for (let at = 0; at < count; at += 1) {
    if (at) await page.goto(`${visit.sites.analytics}pages/geography`);
    const source = await figures.nth(at).locator('.origin a').textContent();
    await figures.nth(at).locator('.tools a.proof').click();
    await page.waitForURL(/#proof$/);
    check(new URL(page.url()).pathname.endsWith(`/tables/${source}`), page.url());
    const head = page.locator('#proof h2'), box = await head.boundingBox(), bar = await page.locator('header.top').boundingBox();
    check(box.y >= bar.y + bar.height, 'the heading lies below the menu, not behind it');
    same(await page.locator('#proof .step-head b').first().textContent(), source, 'the first step is the table');
  }
  await page.goto(`${visit.sites.analytics}pages/clients`);
  const row = page.locator('figure', { hasText: 'Clients at risk' }).locator('tbody tr').nth(1);
  const cells = (await row.locator('th, td').allTextContents()).slice(0, -1);
  await row.locator('a.proof').click();
  await page.waitForURL(/\/row\?/);
  const found = await page.locator('dl.row dd').allTextContents();
  cells.forEach((cell, at) => check(cell === found[at] || shows(cell, found[at]), `the row has ${cell}, and its proof ${found[at]}`));
  // The commands are those that a reader types.
  check((await page.locator('dl.commands code').allTextContents()).some(command => command.startsWith('smelt lineage at_risk_clients --row client_id=C')), 'a command proves the row');
});

test('the rows of a table are found, ordered, paged and downloaded as they are shown', async visit => {
  const page = await visit.open(`${visit.sites.analytics}tables/fact_sales`);
  const column = name => page.locator('table.data').first().evaluate((table, name) => {
    const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim().replace(/ [↑↓]$/, '') === name);
    return [...table.tBodies[0].rows].map(row => row.cells[at].textContent);
  }, name);
  const go = async what => { await page.evaluate(() => { document.querySelector('main').dataset.before = ''; }); await what(); await page.waitForFunction(() => !document.querySelector('main[data-before]')); await ready(page); };
  await go(() => page.getByRole('link', { name: 'amount', exact: true }).click());
  await go(() => page.getByRole('link', { name: 'amount ↑' }).click());
  const amounts = (await column('amount')).map(text => +text.replace(/,/g, ''));
  same(amounts, amounts.toSorted((a, b) => b - a), 'the greatest amounts first');
  await go(() => page.getByRole('link', { name: 'Next →' }).click());
  check(+(await column('amount'))[0].replace(/,/g, '') <= amounts.at(-1), 'the next page goes on');
  await go(() => page.locator('input[name=q]').pressSequentially('chef', { delay: 5 }));
  await page.waitForURL(/q=chef/);
  const products = await column('product');
  check(products.length > 0 && products.every(product => /chef/i.test(product)), `it finds ${products[0]}`);
  same(await page.locator('input[name=q]').evaluate(input => input === document.activeElement), true, 'the field keeps the focus');
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.downloads a').first().click()]);
  const rows = objects(readFileSync(await download.path(), 'utf8'));
  same(rows.slice(0, 50).map(row => row.product), products, 'the file has the rows shown, in their order');
});
