import { cliIo, runCli } from '@gapless/shared/cli';
import { cancelled } from '@gapless/shared/errors';
import { deadline, systemClock } from '@gapless/shared/time';
import { addCommands } from './cli/index.js';
import { version } from './version.js';

/** An orderly stop may take this long; then the process goes without it. */
const STOP_DEADLINE_MS = 10_000;

const shutdown = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (shutdown.signal.aborted) return;
    shutdown.abort(cancelled(`stopped by ${signal}`));
    deadline(STOP_DEADLINE_MS, () => process.kill(process.pid, 'SIGKILL'));
  });
}

const io = cliIo(process, systemClock);
await runCli(
  {
    name: 'gapless-central',
    version,
    summary: 'Keeps the timeline of every lens of a fleet, and completes it from the vehicles.',
    addCommands: (program, output) =>
      addCommands(program, output, { shutdown: shutdown.signal, env: process.env }),
  },
  process.argv.slice(2),
  io,
);
