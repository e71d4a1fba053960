// npm run verify: everything about the code that can be checked without running it, one line each.
import { main, runTool, say } from './lib.mjs';
import { CompileFailure, setup } from './setup.mjs';

const CHECKS = [
  { name: 'types', tool: 'typescript/bin/tsc', args: ['-p', 'tsconfig.tests.json'] },
  { name: 'lint', tool: 'eslint/bin/eslint.js', args: ['.', '--max-warnings=0'] },
  { name: 'format', tool: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level=warn', '.'] },
  { name: 'dependency rule', ...repositoryTests('dependency-rule', 'process-access') },
  { name: 'docs', ...repositoryTests('errors-page', 'links', 'paths', 'cleanliness') },
];

/** Rules that no tool knows are tests, so that `npm test` holds them, too. */
function repositoryTests(...names) {
  const files = names.map((name) => `test/repo/${name}.test.ts`);
  return { tool: 'vitest/vitest.mjs', args: ['run', '--project=unit', '--reporter=dot', ...files] };
}

await main(import.meta.url, async () => {
  await setup({ quiet: true }).catch((error) => {
    // What does not compile is what the first check is there to say.
    if (!(error instanceof CompileFailure)) throw error;
  });
  let failed = 0;
  for (const { name, tool, args } of CHECKS) {
    const { code, output } = await runTool(tool, args);
    process.stdout.write(`${code === 0 ? 'ok    ' : 'failed'}  ${name}\n`);
    if (code === 0) continue;
    failed++;
    say(output.trimEnd());
  }
  process.stdout.write(failed === 0 ? 'all well\n' : `${failed} of ${CHECKS.length} checks failed\n`);
  return failed === 0 ? 0 : 1;
});
