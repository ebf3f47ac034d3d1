// What a reader of each page must be able to do. The numbers expected are those of the case `spine`, which no server computed.
import { join } from 'node:path';
import { check, same, test } from './harness.mjs';
import { choose, csvOf, figure, tableOf, tile, tip } from './sight.mjs';
import { readCsv, readJson, shows } from './table.mjs';

const expected = ({ settings }, layer, file) => join(settings.pipelines, 'analytics/cases/spine/expected', layer, file);
const gold = (visit, name) => readCsv(expected(visit, 'gold', `${name}.csv`));
const silver = (visit, name) => readCsv(expected(visit, 'silver', `${name}.csv`));
const page = (visit, path, options) => visit.open(`${visit.sites.spine}pages/${path}`, options);

/** Checks that a table shows those columns of those rows. */
function showsRows(table, rows, columns, what) {
  same(table.rows.length, rows.length, `rows of ${what}`);
  rows.forEach((row, at) => columns.forEach((column, place) => check(shows(table.rows[at][place], row[column]),
    () => `${what}, row ${at + 1}: ${column} is ${row[column]}, and it shows ${table.rows[at][place]}`)));
}
const columnsOf = rows => Object.keys(rows[0]);
const sum = (rows, column) => rows.reduce((sum, row) => sum + Math.round(row[column] * 100), 0) / 100;

test('overview: a reader sees at once whether the last 30 days are better, who leads, and whether to trust the data', async visit => {
  const shown = await page(visit, 'overview');
  const [summary] = gold(visit, 'gold_summary');
  const revenue = await tile(shown, 'Revenue, last 30 days');
  check(shows(revenue.number, summary.revenue_30d), `revenue: ${revenue.number}`);
  check(revenue.change.startsWith('▲up +') && shows(revenue.change.slice(4), summary.growth_30d), `change: ${revenue.change}`);
  const box = await shown.locator('section.stat').first().boundingBox();
  check(box.y + box.height < 900, 'it is in sight without scrolling');
  const columns = {
    'Orders, last 30 days': 'orders_30d', 'Buyers, last 30 days': 'buyers_30d', Revenue: 'revenue', Orders: 'orders', Buyers: 'buyers',
    'Average order': 'average_order_value', 'Buyers who came back': 'repeat_rate', 'Predicted value of clients': 'predicted_value',
    'High-value clients': 'high_value_clients', 'Clients at risk': 'at_risk_clients', 'Best product': 'top_product', 'Best country': 'top_country',
    'Best client': 'top_client', 'Best day': 'best_day',
  };
  for (const [title, column] of Object.entries(columns)) {
    const { number, note } = await tile(shown, title);
    check(shows(number, summary[column]), `${title}: ${number}, not ${summary[column]}`);
    if (title.startsWith('Best ')) check(shows(note, summary[`${column}_revenue`]), `${title}: ${note}`);
  }
  const checks = silver(visit, 'quality_checks');
  showsRows(await tableOf(figure(shown, 'Can the data be trusted?')), checks, columnsOf(checks), 'checks');
  const status = await tableOf(figure(shown, 'Clients by status'));
  showsRows(status, gold(visit, 'client_status'), ['name', 'clients'], 'status');
});

test('time: a reader switches granularity, narrows the dates, finds the anomalies and the forecast', async visit => {
  const shown = await page(visit, 'temporal');
  const days = gold(visit, 'daily_sales');
  const odd = gold(visit, 'daily_sales').filter(day => day.anomaly === 'true');
  check(odd.length > 0, 'the case has an anomaly');
  const marks = () => figure(shown, 'Revenue').locator('path.ring').evaluateAll(paths => paths.reduce((sum, path) => sum + path.getAttribute('d').match(/M/g).length, 0));
  same(await marks(), odd.length, 'marks of anomalies');
  // The keyboard reaches each day, so it finds the first anomaly.
  const first = days.findIndex(day => day.anomaly === 'true');
  await figure(shown, 'Revenue').locator('.canvas').focus();
  for (let at = 0; at <= first; at += 1) await shown.keyboard.press('ArrowRight');
  const told = await tip(figure(shown, 'Revenue'));
  check('Unusual' in told.values && shows(told.values.Revenue, odd[0].revenue) && shows(told.head, odd[0].period_start), `the tip says ${JSON.stringify(told)}`);

  for (const [name, table] of [['Weekly', 'weekly_sales'], ['Monthly', 'monthly_sales'], ['Daily', 'daily_sales']]) {
    await choose(shown, () => shown.getByText(name, { exact: true }).click());
    check(shown.url().includes(`period=${name.toLowerCase()}`), `the address says it: ${shown.url()}`);
    const rows = gold(visit, table);
    same((await csvOf(shown, figure(shown, 'The periods shown'))).length, rows.length, name);
    check(shows((await tile(shown, 'Revenue of the periods shown')).number, sum(rows, 'revenue')), `revenue, ${name}`);
    same(await figure(shown, 'Growth on the period before').locator('.mark, path.strokes, .bar').count() > 0, true, 'growth is drawn');
  }

  const [from, to] = ['2025-03-01', '2025-04-30'];
  await choose(shown, () => shown.locator('input[name=dates_from]').fill(from));
  await choose(shown, () => shown.locator('input[name=dates_to]').fill(to));
  const some = days.filter(day => from <= day.period_start && day.period_start <= to);
  check(some.length === 61, 'the case has these days');
  check(shows((await tile(shown, 'Revenue of the periods shown')).number, sum(some, 'revenue')), 'revenue of the days chosen');
  check(shows((await tile(shown, 'Orders of the periods shown')).number, sum(some, 'orders')), 'orders of the days chosen');
  showsRows(await tableOf(figure(shown, 'The periods shown')), some.toReversed(), columnsOf(some), 'the periods shown');
  await choose(shown, () => shown.getByRole('link', { name: 'All', exact: true }).click());

  const forecast = gold(visit, 'sales_forecast');
  const months = figure(shown, 'Revenue by month, and a forecast');
  same(await months.locator('path.dashed').count(), 1, 'the forecast is dashed');
  const behind = await tableOf(months);
  for (const month of forecast) {
    const row = behind.rows.find(row => shows(row[0], month.month_start));
    check(row && shows(row[behind.header.indexOf('Forecast')], month.forecast), () => `${month.month}: ${row}`);
  }
  for (const [title, cycle] of [['Season: days of the week', 'weekday'], ['Season: months of the year', 'month']]) {
    showsRows(await tableOf(figure(shown, title)), gold(visit, 'seasonality').filter(row => row.cycle === cycle), ['position', 'index'], title);
  }
});

test('clients: a reader lists the clients of a segment and exports those at risk', async visit => {
  const shown = await page(visit, 'clients');
  const clients = gold(visit, 'client_kpis');
  const [segment] = gold(visit, 'client_segments').filter(row => row.name !== 'no_purchase').map(row => row.name);
  await choose(shown, () => figure(shown, 'Clients by segment').getByRole('link', { name: new RegExp(`^${segment}\\b`) }).click());
  check(shown.url().includes(`segment=${segment}`), `the address says it: ${shown.url()}`);
  same(await shown.locator('select[name=segment]').inputValue(), segment, 'the filter says it');
  const list = 'The same clients', mine = clients.filter(client => client.segment === segment);
  const columns = ['client_id', 'orders', 'average_order_value', 'purchase_frequency', 'lifetime_value', 'predicted_value', 'churn_probability', 'rfm_score', 'segment'];
  showsRows(await tableOf(figure(shown, list)), mine.slice(0, 10), columns, 'the greatest clients of the segment');
  await choose(shown, async () => { await shown.locator('input[name=top]').fill('50'); await shown.keyboard.press('Enter'); });
  showsRows(await tableOf(figure(shown, list)), mine.slice(0, 50), columns, 'all clients of the segment');
  const bars = await tableOf(figure(shown, 'The clients who spent most'));
  showsRows(bars, mine.slice(0, 50), ['client_id', 'total_spent'], 'their bars');
  // The same click again takes the choice back.
  await choose(shown, () => figure(shown, 'Clients by segment').getByRole('link', { name: new RegExp(`^${segment}\\b`) }).click());
  same(await shown.locator('select[name=segment]').inputValue(), '', 'no segment is chosen');

  const [download] = await Promise.all([shown.waitForEvent('download'), figure(shown, 'Clients at risk').locator('a.csv').click()]);
  check(/\.csv$/.test(download.suggestedFilename()), download.suggestedFilename());
  same(readCsv(await download.path()), gold(visit, 'at_risk_clients'), 'the list of clients at risk');
  const segments = gold(visit, 'client_segments');
  showsRows(await tableOf(figure(shown, 'Segments by recency, frequency and money')), segments,
    ['name', 'clients', 'client_share', 'revenue', 'revenue_share', 'average_recency', 'average_orders', 'average_spent'], 'segments');
  const cohorts = gold(visit, 'cohort_retention'), heat = await figure(shown, 'Retention of cohorts').locator('.heat td.mark').count();
  same(heat, cohorts.length, 'cells of the heat map');
});

test('products: a reader compares prices, sees where a product sells and what sells with it', async visit => {
  const shown = await page(visit, 'products');
  const products = gold(visit, 'product_analytics');
  const prices = figure(shown, 'Prices: least, average, greatest');
  showsRows(await tableOf(prices), products.slice(0, 10), ['product', 'min_price', 'average_price', 'max_price'], 'prices');
  const name = products[0].product;
  const values = await prices.locator('.row', { hasText: name }).locator('.value').allTextContents();
  same(values.map((value, at) => shows(value, products[0][['min_price', 'average_price', 'max_price'][at]])), [true, true, true], 'all prices stand beside their bars');

  await choose(shown, () => figure(shown, 'Revenue by product').getByRole('link', { name: new RegExp(`^${name}\\b`) }).click());
  const sells = gold(visit, 'product_countries').filter(row => row.product === name);
  showsRows(await tableOf(figure(shown, 'Where it sells')), sells, ['country', 'revenue'], `where ${name} sells`);
  await choose(shown, () => shown.locator('select[name=product]').selectOption(''));
  await choose(shown, async () => { await shown.locator('input[name=top]').fill('50'); await shown.keyboard.press('Enter'); });
  const pairs = gold(visit, 'product_pairs');
  showsRows(await tableOf(figure(shown, 'What sells together')), pairs, columnsOf(pairs), 'what sells together');
});

test('geography: a reader compares countries', async visit => {
  const shown = await page(visit, 'geography?top=50');
  const countries = gold(visit, 'country_analytics');
  for (const [title, columns] of Object.entries({
    'Revenue by country': ['country', 'revenue'], 'Share of revenue': ['country', 'revenue'], 'Average order': ['country', 'average_order_value'],
    'Clients who bought, and who registered': ['country', 'clients', 'registered_clients'], Countries: columnsOf(countries),
  })) showsRows(await tableOf(figure(shown, title)), countries, columns, title);
  const { country, clients, registered_clients } = countries[1];
  const row = figure(shown, 'Clients who bought, and who registered').locator('.row', { hasText: country }).first();
  same(await row.locator('.value').allTextContents(), [clients, registered_clients], 'both numbers stand beside their bars');
  await choose(shown, () => shown.locator('select[name=country]').selectOption(country));
  showsRows(await tableOf(figure(shown, 'Countries')), [countries[1]], columnsOf(countries), country);
});

test('statistics: a reader chooses a metric and sees its box, histogram and percentiles', async visit => {
  const shown = await page(visit, 'statistics');
  const metrics = gold(visit, 'statistical_distributions');
  for (const metric of [metrics[0], metrics.find(row => row.metric === 'recency_days')]) {
    const select = shown.locator('select[name=metric]');
    if (await select.inputValue() !== metric.metric) await choose(shown, () => select.selectOption(metric.metric));
    for (const [title, column] of Object.entries({ Values: 'count', Mean: 'mean', Median: 'p50', 'Standard deviation': 'std' })) {
      const { number } = await tile(shown, title);
      check(shows(number, metric[column]), `${title} of ${metric.metric}: ${number}, not ${metric[column]}`);
    }
    showsRows(await tableOf(figure(shown, 'Quartiles and whiskers')), [metric], ['metric', 'lower_whisker', 'p25', 'p50', 'p75', 'upper_whisker', 'mean'], 'box');
    const bins = gold(visit, 'histograms').filter(row => row.metric === metric.metric);
    showsRows(await tableOf(figure(shown, 'Histogram')), bins, ['lower', 'upper', 'count'], 'histogram');
    showsRows(await tableOf(figure(shown, 'Percentiles of the metric')), [metric], columnsOf(metrics), 'percentiles');
  }
  const report = readJson(expected(visit, 'silver', 'quality_report.json'));
  showsRows(await tableOf(figure(shown, 'What became of the rows')), report, columnsOf(report), 'quality report');
});

test('shop: a reader sees sales by day, channel and product, and narrows the days', async visit => {
  const shown = await visit.open(`${visit.sites.shop}pages/sales`);
  const line = figure(shown, 'Revenue by day');
  const days = await csvOf(shown, line);
  const channels = await csvOf(shown, figure(shown, 'Revenue by channel'));
  check(shows((await tile(shown, 'Revenue')).number, sum(channels, 'revenue')), 'channels add up to the revenue');
  showsRows(await tableOf(line), days, ['order_date', 'revenue'], 'days');
  await choose(shown, () => shown.locator('input[name=dates_from]').fill(days[2].order_date));
  same(await csvOf(shown, figure(shown, 'Revenue by day')), days.slice(2), 'days after the first two');
});

test('shop: a reader compares countries and chooses one', async visit => {
  const shown = await visit.open(`${visit.sites.shop}pages/countries`);
  const all = await csvOf(shown, figure(shown, 'Countries'));
  same(all.map(row => +row.revenue), all.map(row => +row.revenue).sort((a, b) => b - a), 'the greatest comes first');
  await choose(shown, () => figure(shown, 'Share of revenue').getByRole('link').nth(1).click());
  same(await csvOf(shown, figure(shown, 'Countries')), [all[1]], 'the country clicked');
});
