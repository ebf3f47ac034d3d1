// Compiles and links the C files in this directory with clang in WebAssembly:
// `node cc.mjs <directory of clang's package> <output> <flags>`.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, output, ...flags] = process.argv.slice(2);
const { runClang } = await import(pathToFileURL(resolve(tools, "gen/bundle.js")));
const names = readdirSync(".").filter((name) => /\.[ch]$/.test(name));
const files = Object.fromEntries(names.map((name) => [name, readFileSync(name)]));
const sources = names.filter((name) => name.endsWith(".c"));
// Shows what clang says, but not the progress of loading it.
console.log = console.error;
await runClang(null, {}, { fetchProgress: () => {} });
try {
  const made = await runClang(["clang", ...flags, "-o", "linked", ...sources], files);
  writeFileSync(output, made.linked);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
