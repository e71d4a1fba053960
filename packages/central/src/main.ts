import { runProcess } from '@gapless/shared/cli';
import { noSteps } from '@gapless/shared/lifecycle';
import { systemClock } from '@gapless/shared/time';
import { addCommands } from './cli/index.js';
import { version } from './version.js';

await runProcess(process, {
  name: 'gapless-central',
  version,
  summary: 'Keeps the timeline of every lens of a fleet, and completes it from the vehicles.',
  addCommands: (program, output, context) =>
    addCommands(program, output, { ...context, clock: systemClock, step: noSteps }),
});
