import { randomUUID } from 'node:crypto';
import { bootId } from '@gapless/edge-agent/boot';
import { addCommands } from '@gapless/edge-agent/cli/index';
import { version } from '@gapless/edge-agent/version';
import { runProcess } from '@gapless/shared/cli';
import { crashStep } from './crash-step.js';
import { clockOf } from './fast-clock.js';

/** With this in the environment the agent takes each start of the process for a boot of another box. */
const OTHER_BOX = 'GAPLESS_TEST_OTHER_BOX';

/** The edge agent as it is, but that tests say at which step it crashes and on which box it runs. */
await runProcess(process, {
  name: 'gapless-edge',
  version,
  summary: 'The edge agent under test.',
  addCommands: (program, output, context) =>
    addCommands(program, output, {
      ...context,
      stdin: process.stdin,
      stdout: process.stdout,
      clock: clockOf(process.env),
      step: crashStep(process),
      bootId: () => (process.env[OTHER_BOX] === undefined ? bootId() : Promise.resolve(randomUUID())),
    }),
});
