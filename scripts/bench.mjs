// npm run bench [-- NAME … --json]: sets up and runs the benchmarks, bench/NAME.bench.ts each; a name may be the beginning
// of several. Each prints one table, or with --json one line of JSON, and says so itself when something to compare with is
// not there.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, main, root, run, say } from './lib.mjs';
import { setup } from './setup.mjs';

const ENDING = '.bench.ts';

await main(import.meta.url, async (given) => {
  const args = given.filter((arg) => !arg.startsWith('--'));
  const options = given.filter((arg) => arg.startsWith('--'));
  const strange = options.find((option) => option !== '--json');
  if (strange !== undefined) throw new Failure(`There is no option "${strange}". There is: --json`);
  const all = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
  const chosen =
    args.length === 0 ? all : all.filter((name) => args.some((wanted) => name.startsWith(wanted)));
  if (all.length === 0) throw new Failure('There are no benchmarks.');
  const unknown = args.find((wanted) => !all.some((name) => name.startsWith(wanted)));
  if (unknown !== undefined)
    throw new Failure(`There is no benchmark "${unknown}". There are: ${all.join(', ')}`);
  await setup();
  let failed = 0;
  for (const name of chosen) {
    say(`\n${name}`);
    const { code } = await run(process.execPath, [`bench/dist/${name}.bench.js`, ...options], { show: true });
    if (code !== 0) failed++;
  }
  return failed === 0 ? 0 : 1;
});
