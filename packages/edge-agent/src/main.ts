import { runProcess } from '@gapless/shared/cli';
import { noSteps } from '@gapless/shared/lifecycle';
import { bootClock, bootId } from './boot.js';
import { addCommands } from './cli/index.js';
import { version } from './version.js';

await runProcess(process, {
  name: 'gapless-edge',
  version,
  summary: "Records a vehicle's lenses and keeps central's timeline whole.",
  addCommands: (program, output, context) =>
    addCommands(program, output, {
      ...context,
      clock: bootClock(() => process.hrtime.bigint()),
      step: noSteps,
      bootId,
      stdin: process.stdin,
      stdout: process.stdout,
    }),
});
