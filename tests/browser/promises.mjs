// What every chart and every page promises: values under the pointer, zoom, choice, keys, tables, CSV, no script, paper.
import { inflateSync } from 'node:zlib';
import { check, same, test, until } from './harness.mjs';
import { choose, csvOf, figure, figuresOf, hover, ready, tableOf, tile, tip } from './sight.mjs';
import { objects, shown as numberIn, shows } from './table.mjs';

const ANALYTICS = ['overview', 'temporal', 'clients', 'products', 'geography', 'statistics'];
export const pagesOf = ({ sites }) => [...ANALYTICS.map(name => `${sites.analytics}pages/${name}`), `${sites.shop}pages/sales`, `${sites.shop}pages/countries`];

test('a pointer over a line shows the values of all series, which are those of the table behind', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal?period=weekly`);
  const line = figure(page, 'Revenue'), table = await tableOf(line);
  for (const across of [0.3, 0.62, 0.97]) {
    const { head, values } = await hover(page, line, across);
    const row = table.rows.find(row => row[0] === head);
    check(row, `the tip says ${head}, which is no label of the table`);
    same(Object.keys(values).filter(name => name !== 'Unusual'), table.header.slice(1), 'names');
    same(Object.entries(values).filter(([name]) => name !== 'Unusual').map(([, value]) => value), row.slice(1), `values of ${head}`);
  }
  await page.mouse.move(2, 2);
  await until(async () => await line.locator('.tip b').count() === 0, 'the tip to go');
});

test('a pointer over a bar, a histogram and a heat map shows its values', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/geography`);
  const both = figure(page, 'Clients who bought, and who registered'), table = await tableOf(both);
  const { head, values } = await hover(page, both, 0.05);
  same([head, ...Object.values(values)], table.rows[0], 'a bar');
  await page.goto(`${visit.sites.analytics}pages/clients`);
  const bins = figure(page, 'Days since the last order'), rows = (await tableOf(bins)).rows;
  const bin = await hover(page, bins, 0.001 + 0.5 / rows.length);
  check(Object.values(bin.values).concat(bin.head).some(text => text.includes(rows[0][2])), () => `${JSON.stringify(bin)} has no ${rows[0][2]}`);
  const heat = figure(page, 'Retention of cohorts');
  await heat.locator('td.mark').nth(1).hover();
  const cell = await tip(heat);
  check(JSON.stringify(cell).includes((await tableOf(heat)).rows[0][2]), () => JSON.stringify(cell));
});

test('dragging over a line zooms all charts of the page, a double click shows all again', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal`);
  const line = figure(page, 'Orders'), days = () => csvOf(page, figure(page, 'The periods shown'));
  const all = (await days()).length;
  await choose(page, async () => {
    const from = await hover(page, line, 0.3);
    await page.mouse.down();
    const box = await line.locator('.canvas').boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2, { steps: 4 });
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2, { steps: 4 });
    const over = await tip(line);
    check(over.head.startsWith(from.head) && over.head.includes(' – '), `while it drags, the tip says ${over.head}`);
    await page.mouse.up();
  });
  const chosen = new URL(page.url()).searchParams, [from, to] = [chosen.get('dates_from'), chosen.get('dates_to')];
  const some = await days();
  check(some.length > 50 && some.length < all / 4, `${some.length} of ${all} days`);
  same([some[0].period_start, some.at(-1).period_start].sort(), [from, to], 'the address has the days');
  same([await page.locator('input[name=dates_from]').inputValue(), await page.locator('input[name=dates_to]').inputValue()], [from, to], 'the fields have the days');
  const table = await tableOf(figure(page, 'Revenue'));
  same(table.rows.length, some.length, 'another chart is narrowed too');
  await choose(page, () => figure(page, 'Orders').locator('.canvas').dblclick());
  same((await days()).length, all, 'all days again');
});

test('the keyboard alone reads a line, zooms it and takes that back', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal`);
  const line = figure(page, 'Average order'), all = await csvOf(page, line), tenth = Math.ceil((all.length - 1) / 10);
  await line.locator('.canvas').focus();
  for (const [key, at] of [['Home', 0], ['ArrowRight', 1], ['PageDown', 1 + tenth], ['End', all.length - 1], ['ArrowLeft', all.length - 2]]) {
    await page.keyboard.press(key);
    const { head } = await tip(line);
    check(shows(head, all.at(at).period_start), `after ${key} the tip is of ${head}, not of ${all.at(at).period_start}`);
  }
  await page.keyboard.press('Shift+PageUp');
  await choose(page, () => page.keyboard.press('Enter'));
  same(await csvOf(page, figure(page, 'Average order')), all.slice(-2 - tenth, -1), 'days after the zoom');
  await figure(page, 'Average order').locator('.canvas').focus();
  await choose(page, () => page.keyboard.press('Escape'));
  same(await csvOf(page, figure(page, 'Average order')), all, 'Escape shows all again');
});

test('a legend hides a series', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal?period=weekly`);
  const line = figure(page, 'Revenue'), legend = line.getByRole('button', { name: 'Revenue' });
  await legend.click();
  same(await legend.getAttribute('aria-pressed'), 'false', 'it is not pressed');
  same(Object.keys((await hover(page, line, 0.7)).values).filter(name => name !== 'Unusual'), ['Moving average'], 'values');
  check(!await line.locator('path.line.s0, path.s0').first().isVisible(), 'the line is gone');
});

test('a click on a bar filters where the page says so, and leads to its rows elsewhere', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/products`);
  await figure(page, 'Prices: least, average, greatest').locator('a').nth(1).click();
  await page.waitForURL(/\/tables\/product_analytics\?/);
  const rows = await page.locator('table.data').first().evaluate(table => [...table.tBodies[0].rows].map(row => row.cells[1].textContent));
  same(rows.length, 1, 'the rows of one product');
  check(page.url().includes(encodeURIComponent(rows[0])), page.url());
});

// Each figure's CSV has what it shows, in the same order: as many rows, and each number rounded to the places shown.
test('the table behind each chart and its CSV are what the chart shows', async visit => {
  const page = await visit.open(visit.sites.analytics);
  let figures = 0;
  const views = [...pagesOf(visit), `${visit.sites.analytics}pages/temporal?period=monthly&dates_from=2025-02-03&dates_to=2025-09-30`, `${visit.sites.analytics}pages/clients?country=FR&top=4`];
  for (const address of views) {
    await page.goto(address);
    for (const { title, table, cut, isChart, ...figure } of await figuresOf(page)) {
      const csv = objects(figure.csv), columns = Object.keys(csv[0]), what = `${title} on ${address}`;
      if (isChart && new Set(csv.map(row => row[columns[0]])).size < csv.length && columns[0] !== 'lower') {
        // Series stand side by side in the table and below each other in the CSV, so the numbers are compared as a bag.
        const numbers = table.rows.flatMap(row => row.slice(1)).filter(text => text !== '').map(text => numberIn(text).value).sort((a, b) => a - b);
        const last = csv.map(row => +row[columns.at(-1)]).sort((a, b) => a - b);
        same(numbers.length, last.length, `numbers of ${what}`);
        numbers.forEach((number, i) => check(Math.abs(number - last[i]) < 0.006, () => `${what}: ${number}, not ${last[i]}`));
      } else {
        const extra = title.includes('forecast') ? table.rows.length - csv.length : 0;
        check(cut ? table.rows.length < csv.length : table.rows.length - extra === csv.length, `${what}: ${table.rows.length} rows, and ${csv.length} in the CSV`);
        table.rows.slice(0, csv.length).forEach((row, i) => columns.slice(0, row.length).forEach((column, place) => {
          check(shows(row[place], csv[i][column]), () => `${what}, row ${i + 1}: ${column} is ${csv[i][column]}, and it shows ${row[place]}`);
        }));
      }
      figures += 1;
    }
  }
  check(figures > 40, `${figures} figures`);
});

test('an address holds what is chosen: reload, another browser, back and forward show the same', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal`);
  const content = of => of.locator('main').evaluate(main => [...main.querySelectorAll('h3, .number, .sub, table.data tbody')].map(it => it.textContent).join('\n'));
  const states = [[page.url(), await content(page)]];
  const keep = async what => { await choose(page, what); states.push([page.url(), await content(page)]); };
  await keep(() => page.getByText('Monthly', { exact: true }).click());
  await keep(() => page.locator('input[name=dates_from]').fill('2025-03-01'));
  await keep(() => page.getByRole('link', { name: '90 days' }).click());
  same(new Set(states.map(([, text]) => text)).size, 4, 'each choice shows something else');
  await page.reload();
  same(await content(page), states[3][1], 'after a reload');
  const other = await visit.open(states[2][0]);
  same(await content(other), states[2][1], 'in another browser');
  for (const [way, at] of [['goBack', 2], ['goBack', 1], ['goBack', 0], ['goForward', 1], ['goForward', 2]]) {
    await page[way]();
    await page.waitForURL(states[at][0]);
    await until(async () => await content(page) === states[at][1], `${way} to show ${states[at][0]}`);
    const checked = new URL(states[at][0]).searchParams.get('period') ?? 'daily';
    same(await page.locator('input[name=period]:checked').inputValue(), checked, 'the switch follows');
  }
});

test('without script the charts, tables, filters and links are all there', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal`, { javaScriptEnabled: false });
  for (const title of ['Revenue', 'Orders', 'Average order']) check(await figure(page, title).locator('svg path').first().isVisible(), `${title} is drawn`);
  await page.locator('label', { hasText: 'Monthly' }).click();
  await page.locator('input[name=dates_from]').fill('2025-03-01');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(/period=monthly/);
  const details = figure(page, 'Orders').locator('details');
  await details.locator('summary').click();
  check(await details.locator('table').isVisible(), 'the table behind opens');
  const { rows } = await tableOf(figure(page, 'Orders'));
  check(rows.length > 5 && rows.length < 10, `${rows.length} months`);
  await page.getByRole('link', { name: '90 days' }).click();
  await page.waitForURL(/dates=90d/);
  check(shows((await tile(page, 'Orders of the periods shown')).number, (await tableOf(figure(page, 'Orders'))).rows.reduce((sum, row) => sum + +row[1], 0)), 'the tile adds up');
  await page.goto(`${visit.sites.analytics}tables/client_kpis`);
  await page.getByRole('link', { name: 'orders', exact: true }).click();
  await page.waitForURL(/sort=orders/);
  await page.getByRole('link', { name: 'Next →' }).click();
  await page.waitForURL(/page=2/);
  await page.locator('input[name=q]').fill('FR');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.waitForURL(/q=FR/);
});

test('paper has the charts and not the menus', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/clients`);
  await hover(page, figure(page, 'Retention by months since the first order'), 0.5);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const menu of ['header.top', '.filters', '.skip', '.figure .tools', '.tip']) {
    same(await page.locator(menu).evaluateAll(all => all.filter(it => it.checkVisibility()).length), 0, `${menu} is on paper`);
  }
  same(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)', 'the ground');
  const pdf = await page.pdf({ format: 'A4', printBackground: false });
  const text = pdf.toString('latin1'), sheets = text.match(/\/Type\s*\/Page\b/g).length;
  check(sheets > 1 && sheets < 12, `${sheets} sheets`);
  let drawn = 0;
  for (const match of text.matchAll(/stream\r?\n/g)) {
    const begin = match.index + match[0].length, end = text.indexOf('endstream', begin);
    try { drawn += inflateSync(pdf.subarray(begin, end)).toString('latin1').match(/ (re|l|c)\n/g)?.length ?? 0; } catch { /* A font or a picture. */ }
  }
  check(drawn > 500, `${drawn} strokes`);
});

test('a finger on a phone reads a value, and it stays', async visit => {
  const page = await visit.open(`${visit.sites.analytics}pages/temporal?period=monthly`, { width: 390, height: 844, hasTouch: true, isMobile: true });
  const line = figure(page, 'Orders');
  await line.scrollIntoViewIfNeeded();
  const box = await line.locator('.canvas').boundingBox();
  await page.touchscreen.tap(box.x + box.width * 0.5, box.y + box.height * 0.5);
  const { head, values } = await tip(line);
  const row = (await tableOf(line)).rows.find(row => row[0] === head);
  same(Object.values(values), row?.slice(1), `values of ${head}`);
});

test('whoever wants less motion gets none', async visit => {
  const moving = page => page.evaluate(() => [...document.querySelectorAll('*')].filter(it => {
    const { transitionDuration, animationName, transitionProperty } = getComputedStyle(it);
    return animationName !== 'none' || (transitionProperty !== 'none' && transitionDuration.split(',').some(time => parseFloat(time) > 0));
  }).length);
  for (const path of ['', 'pages/clients']) {
    const page = await visit.open(`${visit.sites.analytics}${path}`, { reducedMotion: 'reduce' });
    await ready(page);
    same(await moving(page), 0, `what moves on /${path}`);
  }
});
