// Central's SFTP server alone, as a process of its own, until its standard input ends. Everybody whose key it likes may
// write anything below one directory: no server to leave running.
import { readFile } from 'node:fs/promises';
import { SftpServer } from '@gapless/central/sftp/index';
import { nodeDisk } from '@gapless/shared/fs';
import { createLog } from '@gapless/shared/log';
import { systemClock } from '@gapless/shared/time';

export interface ServeOptions {
  readonly host: string;
  readonly directory: string;
  /** File of the private host key. */
  readonly hostKey: string;
}

const options = JSON.parse(process.argv[2]!) as ServeOptions;
await using server = await SftpServer.start({
  host: options.host,
  port: 0,
  hostKeys: [await readFile(options.hostKey, 'utf8')],
  access: {
    isAuthorised: () => true,
    target: (_, path) => ({
      file: `${options.directory}/${path.replaceAll('/', '-')}`,
      sizeBytes: Number.MAX_SAFE_INTEGER,
      offset: 0,
    }),
  },
  events: {},
  disk: nodeDisk,
  clock: systemClock,
  log: createLog('bench', 'silent'),
});
process.stdout.write(`${JSON.stringify({ port: server.address.port })}\n`);
await new Promise<void>((resolve) => process.stdin.on('end', resolve).resume());
