// The tests of `smelt serve` in a browser: node run.mjs <settings.json> [part of the names of the tests to run]
//
// | setting | |
// |---|---|
// | `chromium` | the browser |
// | `sites` | the addresses of servers: `analytics` and `shop` on what sources make, `spine` on the case of that name, `live` on a lake of its own |
// | `pipelines` | the directory of the pipelines, with their pages and the case |
// | `live` | of the last site: the directory `pages`, and `commands` that bring more rows, each a program, arguments and variables |
// | `work` | a directory for what fails |
// | `bless` | set if pictures become the reference |
// | `assets` | a directory whose style and scripts take the place of those in the binary, if it is given |
import { readFileSync } from 'node:fs';
import { run } from './harness.mjs';
import './readers.mjs';
import './promises.mjs';
import './proof.mjs';
import './layout.mjs';
import './pictures.mjs';
import './live.mjs';

const [settings, filter] = process.argv.slice(2);
const failed = await run(JSON.parse(readFileSync(settings, 'utf8')), filter);
if (failed) console.log(`${failed} failed`);
process.exitCode = failed ? 1 : 0;
