// A page of each kind against a picture of it, at two widths and in two themes. The pictures are small, so that letters that are
// drawn a little otherwise look the same, while a chart that is missing, a layout that breaks and a wrong colour are seen.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, same, test } from './harness.mjs';
import { figure, ready } from './sight.mjs';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'pictures');
const KINDS = {
  pipeline: '', lines: 'pages/temporal?period=weekly', tiles: 'pages/overview', bars: 'pages/clients', statistics: 'pages/statistics', table: 'tables/product_analytics',
  row: 'tables/gold_summary/row?~row=0', heat: 'pages/clients', quality: 'quality', runs: 'runs', plugins: 'plugins',
};
/** The figure with which a picture begins, where it is not the head of the page. */
const FROM = { heat: 'Orders a client' };
/** The width of the window, how many of its pixels become one, and the greatest height that is compared. */
const SIZES = [[1280, 4, 1900], [390, 3, 1600]];
// Times, ages, costs, and the digests and versions of components, which change with each build.
const MASK = `
  time, .digest, .live, footer.page, .origin span:last-child, .steps p:not(.step-head), .why { color: transparent !important; }
  .origin span:last-child a, .steps a, footer.page a { text-decoration-color: transparent !important; }
  .graph .facts.end { fill: transparent !important; }
  .masked :is(td, .number, time, .badge) { color: transparent !important; }
  .figures > .card td.num { color: transparent !important; }
  .stats .stat:first-child .number { color: transparent !important; }
  * { caret-color: transparent !important; }
  body, code, pre, .digest { font-family: "DejaVu Sans" !important; }`;
const MASKED = ['runs', 'plugins'];

/** The share by which a page may be longer or shorter, the share of pixels that may differ, and the mean difference in steps of 255. */
const MOST = { longer: 0.01, share: 0.004, mean: 0.6 };
/** The step from which a pixel differs. */
const STEP = 40;

for (const theme of ['light', 'dark']) {
  for (const [width, scale, height] of SIZES) {
    test(`pages look as their pictures: ${theme}, ${width} px`, async visit => {
      const { bless, work } = visit.settings, found = [];
      const page = await visit.open(visit.sites.analytics, { width, height: 900, theme });
      const desk = await visit.open('about:blank');
      if (!await desk.evaluate(hasFont)) return console.log('skipped: the pictures have the font DejaVu Sans, which Debian has as fonts-dejavu-core');
      for (const [kind, path] of Object.entries(KINDS)) {
        const answer = await page.goto(visit.sites.analytics + path);
        check(answer.ok(), `${path} answers ${answer.status()}`);
        await ready(page);
        // A sheet of the page's own policy would be refused; one that is constructed is not.
        await page.evaluate(([css, masked]) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(css);
          document.adoptedStyleSheets = [sheet];
          if (masked) document.querySelector('main').classList.add('masked');
        }, [MASK, MASKED.includes(kind)]);
        const whole = await page.evaluate(() => document.documentElement.scrollHeight);
        const y = FROM[kind] ? Math.floor(await figure(page, FROM[kind]).evaluate(it => it.getBoundingClientRect().top + scrollY)) : 0;
        const clip = { x: 0, y, width, height: Math.min(whole - y, FROM[kind] ? 1300 : height) };
        const shot = await page.screenshot({ clip, fullPage: true, animations: 'disabled' });
        const name = `${kind}-${width}-${theme}.png`, file = join(FOLDER, name);
        const reference = !bless && existsSync(file) ? readFileSync(file).toString('base64') : null;
        const { picture, longer, share, mean, sizes } = await desk.evaluate(compared, [shot.toString('base64'), reference, scale, STEP]);
        if (process.env.SMELT_PICTURES) console.log(`${name}: ${(100 * share).toFixed(2)} % differ, mean ${mean.toFixed(2)}, ${sizes}`);
        const keep = into => { mkdirSync(into, { recursive: true }); writeFileSync(join(into, name), Buffer.from(picture, 'base64')); };
        if (bless) keep(FOLDER);
        else if (!reference) found.push(`there is no ${name}: \`cargo xtask browser --bless\` makes it`);
        else if (longer > MOST.longer || share > MOST.share || mean > MOST.mean) {
          keep(work);
          found.push(`${file}: ${(100 * share).toFixed(1)} % of pixels differ, the mean difference is ${mean.toFixed(1)}, sizes ${sizes}; see ${join(work, name)}`);
        }
      }
      same(found, [], 'pictures');
    });
  }
}

/** Runs in a page. Returns whether the font of the pictures is installed. */
function hasFont() {
  const context = document.createElement('canvas').getContext('2d');
  const [one, other] = ['"DejaVu Sans", monospace', 'monospace'].map(font => { context.font = `20px ${font}`; return context.measureText('mmmiiiWW').width; });
  return one !== other;
}

/** Runs in an empty page. Makes a screenshot small, with 16 steps of each colour, and compares it with another picture. */
async function compared([shot, reference, scale, step]) {
  const pixels = async base64 => {
    const bytes = Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  };
  const large = await pixels(shot);
  const [width, height] = [Math.floor(large.width / scale), Math.floor(large.height / scale)];
  const small = new ImageData(width, height);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) for (let c = 0; c < 3; c += 1) {
    let sum = 0;
    for (let dy = 0; dy < scale; dy += 1) for (let dx = 0; dx < scale; dx += 1) sum += large.data[4 * ((y * scale + dy) * large.width + x * scale + dx) + c];
    small.data[4 * (y * width + x) + c] = 17 * Math.round(sum / scale / scale / 17);
    small.data[4 * (y * width + x) + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d').putImageData(small, 0, 0);
  const blob = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  let text = '';
  for (const byte of blob) text += String.fromCharCode(byte);
  const picture = btoa(text);
  if (!reference) return { picture, longer: 0, share: 0, mean: 0, sizes: `${width}×${height}` };
  const other = await pixels(reference);
  const [wide, high] = [Math.max(width, other.width), Math.max(height, other.height)];
  let differ = 0, sum = 0;
  // Beyond its end a picture goes on as its last row, since another font makes a page a little longer.
  const at = (image, x, y, c) => {
    const [inX, inY] = [[x, image.width], [y, image.height]].map(([value, end]) => Math.max(0, Math.min(end - 1, value)));
    return image.data[4 * (inY * image.width + inX) + c];
  };
  // A pixel is as far from the other picture as from the nearest of those around its place there, so that what moved by one pixel
  // does not count. Both ways, since what is missing in one is only in the other.
  const far = (one, another, x, y) => {
    // Most pixels are the same in both.
    let best = Math.max(...[0, 1, 2].map(c => Math.abs(at(one, x, y, c) - at(another, x, y, c))));
    for (let dy = -1; best > 0 && dy <= 1; dy += 1) for (let dx = -1; dx <= 1; dx += 1) {
      const distance = Math.max(...[0, 1, 2].map(c => Math.abs(at(one, x, y, c) - at(another, x + dx, y + dy, c))));
      if (distance < best) best = distance;
    }
    return best;
  };
  for (let y = 0; y < high; y += 1) for (let x = 0; x < wide; x += 1) {
    const distance = Math.max(far(small, other, x, y), far(other, small, x, y));
    sum += distance;
    if (distance >= step) differ += 1;
  }
  const longer = Math.abs(height - other.height) / other.height;
  return { picture, longer, share: differ / wide / high, mean: sum / wide / high, sizes: `${width}×${height} and ${other.width}×${other.height}` };
}
