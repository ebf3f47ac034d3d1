// Source: makes a file of invented events at every tick. It derives its only randomness from the seed.

import { iso, stamp } from "./instants.js";
import { bytes, exact, told } from "./smelt.js";

const KINDS = ["sale", "visit", ""];

const EVENTS = { type: "integer", minimum: 0, maximum: 1_000_000, default: 100, description: "Events a tick." };

function identify() {
  return {
    name: "{{name}}",
    version: "0.1.0",
    summary: "{{summary}}",
    parameters: JSON.stringify({ type: "object", properties: { events: EVENTS }, additionalProperties: false }),
  };
}

function describe(params) {
  return { objects: ["events_*.csv"] };
}

function generate(params, tick) {
  const { events = EVENTS.default } = JSON.parse(params);
  const given = [exact("the seed", tick.seed), exact("the tick", tick.number)];
  const [seed, number] = given.map((number) => BigInt.asUintN(64, number));
  const time = exact("the time", tick.starts);
  const at = iso(time);
  let csv = "id,kind,amount,at\n";
  for (let event = 0; event < events; event += 1) {
    const random = mix(mix(seed ^ mix(number)) ^ BigInt(event));
    const [kind, cents] = [KINDS[random % 3n], String((random / 3n) % 10_000n).padStart(3, "0")];
    csv += `${number}-${event},${kind},${cents.slice(0, -2)}.${cents.slice(-2)},${at}\n`;
  }
  return [{ name: `events_${stamp(time)}.csv`, bytes: bytes(csv) }];
}

/** Returns a number of 64 bits that looks random and depends only on `number`: SplitMix64. */
function mix(number) {
  const bits = (number) => BigInt.asUintN(64, number);
  let mixed = bits(number + 0x9e37_79b9_7f4a_7c15n);
  mixed = bits((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  mixed = bits((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return mixed ^ (mixed >> 31n);
}

export const generation = told({ identify, describe, generate });
