// Reads and writes instants: microseconds since 1970-01-01T00:00:00Z, without leap seconds, as BigInt. Reads them as cleaners in
// Rust do.

const FORM = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d)(?::(\d\d))?)?$/;

// The first microsecond of year 0, and the first one after year 9999.
const [FIRST, AFTER] = [-62_167_219_200_000_000n, 253_402_300_800_000_000n];

/** Returns the instant of a text in RFC 3339. The `T` may be a space, an offset hours alone, and an instant without a zone is UTC.
 * Digits of a second after the sixth are cut off. Returns null for any other text, such as days that do not exist, 24:00:00, leap
 * seconds, and instants that their offset moves out of the years 0 to 9999. */
export function instant(text) {
  const match = FORM.exec(text ?? "");
  if (match === null) return null;
  const [, date, time, fraction = "", sign, hours = "0", minutes = "0"] = match;
  const second = `${date}T${time}.000Z`;
  const milliseconds = Date.parse(second);
  // `Date` turns a time that does not exist into another time, or into none.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== second) return null;
  if (hours > 23 || minutes > 59) return null;
  const offset = (hours * 60 + Number(minutes)) * (sign === "-" ? -60_000 : 60_000);
  const at = BigInt(milliseconds - offset) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return FIRST <= at && at < AFTER ? at : null;
}

/** Returns RFC 3339 in UTC, with six digits of the second if it is not whole, for the years 0 to 9999. */
export function iso(at) {
  const micros = ((at % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const second = new Date(Number((at - micros) / 1000n)).toISOString().slice(0, 19);
  return micros === 0n ? `${second}Z` : `${second}.${String(micros).padStart(6, "0")}Z`;
}

/** Returns `YYYYMMDDTHHMMSS`, the stamp in the names of objects. */
export const stamp = (at) => iso(at).slice(0, 19).replace(/[-:]/g, "");
