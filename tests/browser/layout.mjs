// Layout at several widths, focus, and what axe-core finds.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check, same, test } from './harness.mjs';
import { pagesOf } from './promises.mjs';
import { ready } from './sight.mjs';

const WIDTHS = [320, 390, 768, 1280];

/** One page of each kind that is not drawn from a file. */
const kindsOf = ({ sites: { analytics, shop } }) => [
  '', 'tables', 'tables/client_kpis', 'tables/clients', 'tables/clients/objects', 'tables/daily_sales/history', 'tables/fact_sales/history?from=3&to=4',
  'tables/gold_summary/row?~row=0', 'tables/clients/row?client_id=C00000000-00005', 'tables/no_such', 'quality', 'runs', 'runs/4', 'plugins', 'nowhere',
].map(path => analytics + path).concat(shop);
/** The other views of pages that look otherwise. */
const viewsOf = ({ sites: { analytics, spine } }) => [
  ...['weekly', 'monthly'].map(period => `${analytics}pages/temporal?period=${period}`), `${analytics}pages/overview?dates=7d`, `${analytics}pages/clients?segment=loyal&top=30`,
  `${analytics}pages/products?product=Backpack`, `${spine}pages/products`, `${spine}pages/geography`, `${spine}pages/statistics?metric=recency_days`, `${spine}pages/temporal`,
];
/** Addresses that answer 404, which Chromium writes to the console. */
const isMissing = address => /no_such|nowhere/.test(address);

test('no page is wider than the window, and no labels of charts collide', async visit => {
  const page = await visit.open(visit.sites.analytics);
  const found = [];
  for (const address of [...kindsOf(visit), ...pagesOf(visit), ...viewsOf(visit)]) {
    await page.goto(address);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      for (const wrong of await page.evaluate(wrongLayout)) found.push(`${address} at ${width}: ${wrong}`);
    }
  }
  visit.wrong = visit.wrong.filter(words => !isMissing(words));
  same(found, [], 'layout');
});

/** Runs in the page. Returns what is wrong with its layout. */
function wrongLayout() {
  const wrong = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) {
    const widest = [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.scroll, .graph, ul')).pop();
    wrong.push(`it is ${wide} px wider than the window (${widest?.tagName} ${widest?.className})`);
  }
  for (const chart of document.querySelectorAll('.chart, .stat')) {
    const title = chart.closest('figure')?.querySelector('h3').textContent ?? chart.ariaLabel;
    const card = chart.closest('.figure, .stat').getBoundingClientRect();
    const labels = [...chart.querySelectorAll('svg text, .name, .value, .part, .legend li, .label, .number, .change, .note, .foot a')]
      .filter(it => it.checkVisibility({ visibilityProperty: true }) && it.textContent.trim())
      .map(it => [it.textContent.trim(), it.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0);
    for (const [text, box] of labels) {
      const scrolls = chart.querySelector('.scroll');
      if (!scrolls && (box.left < card.left - 1 || box.right > card.right + 1)) wrong.push(`${title}: \`${text}\` sticks out of its card`);
    }
    labels.forEach(([text, a], i) => labels.slice(i + 1).forEach(([other, b]) => {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 2) wrong.push(`${title}: \`${text}\` and \`${other}\` collide`);
    }));
    const canvas = chart.querySelector('.canvas');
    if (canvas && canvas.getBoundingClientRect().width < 120) wrong.push(`${title}: the plot is ${canvas.getBoundingClientRect().width} px wide`);
  }
  return wrong;
}

for (const [theme, options, rules] of [
  ['light', {}, null],
  // What does not depend on colours was found in the light.
  ['dark', { theme: 'dark' }, ['color-contrast', 'link-in-text-block']],
  // Nor does what does not depend on the width.
  ['light, on a phone', { width: 390, height: 844 }, ['scrollable-region-focusable', 'target-size', 'meta-viewport', 'link-in-text-block']],
]) {
  test(`axe-core has no serious finding on any page: ${theme}`, async visit => {
    const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const page = await visit.open(visit.sites.analytics, options);
    const found = [];
    for (const address of [...kindsOf(visit), ...pagesOf(visit)]) {
      await page.goto(address);
      await ready(page);
      await page.evaluate(() => { for (const details of [...document.querySelectorAll('details')].slice(0, 2)) details.open = true; });
      await page.evaluate(source);
      const serious = await page.evaluate(async rules => {
        const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) });
        return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
          .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ target, any }) => `${target} (${any[0]?.message ?? ''})`).join(' | ')}, ${nodes.length} in all`);
      }, rules);
      found.push(...serious.map(words => `${address}: ${words}`));
    }
    visit.wrong = visit.wrong.filter(words => !isMissing(words));
    same(found, [], 'findings');
  });
}

test('Tab reaches every control of a page in order, each shows that it has the focus, and none hides behind the menu', async visit => {
  for (const [path, options] of [['pages/geography', {}], ['tables/country_analytics', {}], ['pages/overview', { width: 390, height: 844 }]]) {
    const page = await visit.open(visit.sites.analytics + path, options);
    await ready(page);
    const wanted = await page.evaluate(() => {
      const controls = document.querySelectorAll('a[href], button:enabled, input:not([type=hidden]), select, summary, [tabindex="0"]');
      const reached = [...controls].filter(it => it.checkVisibility() && !(it.type === 'radio' && !it.checked));
      reached.forEach((it, at) => { it.dataset.at = at; });
      return reached.map(it => `${it.tagName} ${it.textContent.trim().slice(0, 30) || it.name || it.ariaLabel}`);
    });
    const walk = async key => {
      const seen = [];
      for (let presses = 0; presses < 3 * wanted.length + 20; presses += 1) {
        await page.keyboard.press(key);
        const focus = await page.evaluate(() => {
          const it = document.activeElement;
          if (!it || it === document.body || !('at' in it.dataset)) return null;
          const shown = it.type === 'radio' ? it.nextElementSibling : it;
          const style = getComputedStyle(shown), box = shown.getBoundingClientRect(), menu = document.querySelector('header.top');
          return {
            at: +it.dataset.at,
            isVisible: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none',
            isHidden: !menu.contains(it) && !it.matches('.skip') && box.height < innerHeight / 2 && (box.top < menu.getBoundingClientRect().bottom - 2 || box.bottom > innerHeight + 2),
          };
        });
        if (!focus) { if (seen.length) break; continue; }
        if (seen.at(-1)?.at !== focus.at) seen.push(focus);
        if (seen.length > wanted.length) break;
      }
      return seen;
    };
    const there = await walk('Tab');
    same(there.map(({ at }) => at), wanted.map((_, at) => at), `order of ${wanted.length} controls of ${path}`);
    same(there.filter(({ isVisible }) => !isVisible).map(({ at }) => wanted[at]), [], 'controls whose focus does not show');
    same(there.filter(({ isHidden }) => isHidden).map(({ at }) => wanted[at]), [], 'controls out of sight');
    const back = await walk('Shift+Tab');
    same(back.filter(({ isHidden }) => isHidden).map(({ at }) => wanted[at]), [], 'controls out of sight on the way back');
  }
});

test('the menu leads to every page, and the first Tab skips it', async visit => {
  const page = await visit.open(visit.sites.analytics, { width: 390, height: 844 });
  const links = await page.locator('header.top nav a').evaluateAll(all => all.map(it => [it.textContent, it.href]));
  same(links.length, 11, 'links');
  for (const [name, href] of links) {
    await page.locator('header.top nav').getByRole('link', { name, exact: true }).click();
    await page.waitForURL(href);
    same(await page.locator('header.top [aria-current=page]').allTextContents(), [name], 'the menu says where one is');
    check((await page.title()).endsWith(' · analytics'), await page.title());
  }
  await page.keyboard.press('Tab');
  check(await page.locator('a.skip').evaluate(it => it === document.activeElement && it.getBoundingClientRect().left >= 0), 'the link over the menu shows');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  check(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)), 'the next Tab is in the content');
});
