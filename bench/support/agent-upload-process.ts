// The agent's uploader alone, as a process of its own: sends one file, and says how long that took.
import { readFile, stat } from 'node:fs/promises';
import type { SftpEndpoint } from '@gapless/edge-agent/upload/index';
import { systemLocalAddresses } from '@gapless/edge-agent/local-addresses';
import { SftpUploader } from '@gapless/edge-agent/upload/index';
import { ExtentList } from '@gapless/shared/extents';
import { systemRandom } from '@gapless/shared/lifecycle';
import { systemClock } from '@gapless/shared/time';

export interface SendOptions {
  readonly endpoint: SftpEndpoint;
  /** File of the private key. */
  readonly privateKey: string;
  readonly file: string;
  readonly path: string;
  /** Sends the same file this often over one connection, each time to another path, the last time to `path`. */
  readonly times: number;
}

export interface SendResult {
  /** Of each time: from the decision to send to the server's word that it is stored; connecting is in the first. */
  readonly seconds: readonly number[];
}

const options = JSON.parse(process.argv[2]!) as SendOptions;
const { size: sizeBytes } = await stat(options.file);
await using uploader = new SftpUploader({
  login: { privateKey: await readFile(options.privateKey, 'utf8') },
  clock: systemClock,
  random: systemRandom,
  localAddresses: systemLocalAddresses,
});
uploader.setEndpoint(options.endpoint);
const { signal } = new AbortController();
const artifact = new ExtentList([{ kind: 'file', path: options.file, offset: 0, length: sizeBytes }]);
const seconds: number[] = [];
for (let time = options.times; time > 0; time--) {
  const beganMs = performance.now();
  await uploader.upload({
    path: time > 1 ? `${options.path}-${time}` : options.path,
    sizeBytes,
    offset: 0,
    // As the agent reads what it was asked for.
    read: (from) => artifact.stream(from, sizeBytes, { signal, reuse: true }),
    signal,
  });
  seconds.push((performance.now() - beganMs) / 1000);
}
process.stdout.write(`${JSON.stringify({ seconds } satisfies SendResult)}\n`);
