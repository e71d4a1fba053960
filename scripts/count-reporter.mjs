// A vitest reporter that only counts, and writes what it counted to the file that GAPLESS_TEST_COUNT names: the line
// with the counts has to come after everything that vitest itself prints.
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, skippedNames: [] };
    for (const module of modules) {
      const before = count.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else {
          count.skipped++;
          count.skippedNames.push(`${module.relativeModuleId}: ${test.fullName}`);
        }
      }
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      // A file that cannot be loaded has no tests that could fail.
      if (module.state() === 'failed' && count.failed === before) count.failed++;
    }
    if (process.env.GAPLESS_TEST_COUNT) writeFileSync(process.env.GAPLESS_TEST_COUNT, JSON.stringify(count));
  }
}
