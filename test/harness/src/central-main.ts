import { addCommands } from '@gapless/central/cli/index';
import { version } from '@gapless/central/version';
import { runProcess } from '@gapless/shared/cli';
import { crashStep } from './crash-step.js';
import { clockOf } from './fast-clock.js';

/** Central as it is, but that tests say at which step it crashes. */
await runProcess(process, {
  name: 'gapless-central',
  version,
  summary: 'Central under test.',
  addCommands: (program, output, context) =>
    addCommands(program, output, { ...context, clock: clockOf(process.env), step: crashStep(process) }),
});
