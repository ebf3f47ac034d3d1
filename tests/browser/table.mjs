// Reads CSV, and what pages show, as plain values.
import { readFileSync } from 'node:fs';

/** Parses CSV (RFC 4180) into rows of texts. */
export function rows(text) {
  const all = [];
  let row = [], cell = '', quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') { cell += '"'; at += 1; } else quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === ',') { row.push(cell); cell = ''; }
    else if (sign === '\n') { all.push([...row, cell]); row = []; cell = ''; }
    else if (sign !== '\r') cell += sign;
  }
  if (cell || row.length) all.push([...row, cell]);
  return all;
}

/** Parses CSV with a header into objects. Undoes the apostrophe before what spreadsheets would take for a formula. */
export function objects(text) {
  const [header, ...body] = rows(text);
  const plain = cell => /^'[=+\-@\t\r']/.test(cell) ? cell.slice(1) : cell;
  return body.map(row => Object.fromEntries(header.map((name, at) => [name, plain(row[at])])));
}

export const readCsv = path => objects(readFileSync(path, 'utf8'));
export const readJson = path => JSON.parse(readFileSync(path, 'utf8'));

/** Returns the number that a text shows and half a unit of its last place; `null` if it shows none. */
export function shown(text) {
  const plain = text.replace(/[\u00a0\u202f,]/g, '').replace('−', '-').trim();
  const match = plain.match(/^[^\d\-+.]*([-+]?\d+(?:\.(\d+))?)(k|M|%)?/);
  if (!match) return null;
  const scale = { k: 1e3, M: 1e6, '%': 0.01 }[match[3]] ?? 1;
  return { value: match[1] * scale, slack: 0.5 * 10 ** -(match[2]?.length ?? 0) * scale * 1.001 };
}

/** Returns whether a text shows a value: the number, rounded to the places shown, or the very text. */
export function shows(text, value) {
  if (value === null || value === undefined || value === '') return text === '' || text === '–';
  const found = shown(text);
  const number = Number(value);
  if (found && !Number.isNaN(number)) return Math.abs(found.value - number) <= found.slack;
  return text === String(value) || text === words(value);
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Returns how a page in British English shows a day or a truth. */
function words(value) {
  const day = String(value).match(DAY);
  if (day) return `${+day[3]} ${MONTHS[day[2] - 1]} ${day[1]}`;
  return { true: 'yes', false: 'no' }[value];
}
