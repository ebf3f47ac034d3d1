// Instants, as microseconds since 1970-01-01T00:00:00Z without leap seconds, in BigInt: read from text as cleaners in Rust do, and
// written.

const FORM = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?$/;

// The first microsecond of year 0, and the one after the last of year 9999.
const [FIRST, AFTER] = [-62_167_219_200_000_000n, 253_402_300_800_000_000n];

/** Of RFC 3339, of which the `T` may be a space and the zone may be left out, which is UTC then. Digits of a second after the sixth
 * are cut off. `null` for anything else: days that do not exist, 24:00:00, leap seconds, and what an offset pushes out of the years 0 to 9999. */
export function instant(text) {
  const match = FORM.exec(text ?? "");
  if (match === null) return null;
  const [, date, time, fraction = "", sign, hours = "0", minutes = "0"] = match;
  const second = `${date}T${time}.000Z`;
  const milliseconds = Date.parse(second);
  // What does not exist is taken for another time, or for none.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== second) return null;
  if (hours > 23 || minutes > 59) return null;
  const offset = (hours * 60 + Number(minutes)) * (sign === "-" ? -60_000 : 60_000);
  const at = BigInt(milliseconds - offset) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  return FIRST <= at && at < AFTER ? at : null;
}

/** RFC 3339 in UTC, with six digits of the second where it is not whole. Of the years 0 to 9999. */
export function iso(at) {
  const micros = ((at % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const second = new Date(Number((at - micros) / 1000n)).toISOString().slice(0, 19);
  return micros === 0n ? `${second}Z` : `${second}.${String(micros).padStart(6, "0")}Z`;
}

/** `YYYYMMDDTHHMMSS`: the stamp in the names of objects. */
export const stamp = (at) => iso(at).slice(0, 19).replace(/[-:]/g, "");
