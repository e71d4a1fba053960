import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { runCli } from '@gapless/shared/cli';
import { noSteps } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { PictureDecoders, startDecoder } from '@gapless/shared/still';
import { systemClock } from '@gapless/shared/time';
import { addCommands } from '../../../../packages/edge-agent/src/cli/index.js';
import type { ControlPort } from '../../../../packages/edge-agent/src/control/index.js';
import { controlPath, ControlServer } from '../../../../packages/edge-agent/src/control/index.js';
import { SegmentUse } from '../../../../packages/edge-agent/src/clip/index.js';
import { whyMissing } from '../../../../packages/edge-agent/src/query/index.js';
import { remove as removeFootage } from '../../../../packages/edge-agent/src/retain/index.js';
import type { Place } from '../../../support/edge/recordings.js';
import { Recordings, vehicle } from '../../../support/edge/recordings.js';

/** What a command line wrote, and what it ended with. */
export interface Spoken {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it wrote that is no text. */
  readonly bytes: Buffer;
}

/** Recordings whose operations are asked for by commands and over the socket, as those of a running agent. */
export class OperatedPlace implements AsyncDisposable {
  readonly recordings: Recordings;
  readonly socketPath: string;
  /** Asks commands to stop, as Ctrl-C does. */
  readonly shutdown = new AbortController();
  /** Whether a person sits in front of commands, at a terminal of 100 columns. */
  isTty = false;
  /** What a person types, if one sits there. */
  typed = '';
  /** What is being read. */
  readonly use = new SegmentUse();
  readonly #decoders = new PictureDecoders({
    ffmpeg: () => 'ffmpeg',
    start: startDecoder,
    clock: systemClock,
  });
  #server: ControlServer | undefined;

  private constructor(readonly place: Place) {
    this.recordings = new Recordings(place);
    this.socketPath = controlPath(place.stateDir);
  }

  static async start(place: Place, port: Partial<ControlPort> = {}): Promise<OperatedPlace> {
    const operated = new OperatedPlace(place);
    await writeFile(operated.#config, configText(place));
    await operated.listen(port);
    return operated;
  }

  get #config(): string {
    return join(this.place.root, 'edge.yml');
  }

  /** Begins to listen, as an agent does that is started. */
  async listen(port: Partial<ControlPort> = {}): Promise<void> {
    const { reader, clock } = this.recordings;
    const segments = { reader, lensNow: () => undefined, nowMs: () => clock.nowMs() };
    const clip: ControlPort['clip'] = {
      ...{ reader, lensNow: () => undefined, use: this.use, storageDir: this.place.storageDir },
      whyMissing: (lens, range) => whyMissing(segments, lens, range),
      onDamaged: () => undefined,
    };
    const snapshot: ControlPort['snapshot'] = {
      ...{ vehicle, reader, lensNow: () => undefined, storageDir: this.place.storageDir },
      hold: (held) => this.use.hold(held),
      decoders: this.#decoders,
    };
    const log = createLog('test', 'silent');
    const status = () => Promise.reject(new Error('no status was given'));
    const { protections, burial } = this.recordings;
    const remove: ControlPort['remove'] = (input) =>
      removeFootage({ reader, burial, isInUse: (one) => this.use.isHeld(one), log }, input);
    const reload = () => Promise.reject(new Error('no configuration was given'));
    // Those who upload bring what that takes.
    const uploads = {} as ControlPort['uploads'];
    const operations = { segments, clip, snapshot, protections, remove, reload, uploads, status };
    const given = { version: '1.2.3', clock, log, ...operations, ...port };
    this.#server = await ControlServer.start(given, this.socketPath);
  }

  /** Stops to listen, as an agent does that is stopped. */
  async hangUp(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  /** Runs a command of `gapless-edge`, with the configuration of this place. */
  async run(...argv: readonly string[]): Promise<Spoken> {
    const spoken = { exitCode: 0, stdout: '', stderr: '' };
    const stdout = new PassThrough();
    const stdin = Object.assign(Readable.from([this.typed]), { isTTY: this.isTty });
    const collected = buffer(stdout);
    const context = {
      shutdown: this.shutdown.signal,
      env: {},
      step: noSteps,
      clock: this.recordings.clock,
      bootId: () => Promise.resolve('boot-1'),
      onHangup: () => undefined,
      ...{ stdin, stdout },
    };
    await runCli(
      {
        name: 'gapless-edge',
        version: '1.2.3',
        summary: '',
        addCommands: (program, output) => addCommands(program, output, context),
      },
      [...argv, '--config', this.#config],
      {
        stdout: { write: (text) => (spoken.stdout += text) },
        stderr: { write: (text) => (spoken.stderr += text) },
        isTty: this.isTty,
        columns: 100,
        rows: 24,
        env: {},
        clock: this.recordings.clock,
        setExitCode: (code) => (spoken.exitCode = code),
      },
    );
    stdout.end();
    return { ...spoken, bytes: await collected };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangUp();
    await this.#decoders[Symbol.asyncDispose]();
    await this.recordings[Symbol.asyncDispose]();
    await this.place[Symbol.asyncDispose]();
  }
}

function configText({ stateDir }: Place): string {
  return `vehicle: bus-042
stateDir: ${stateDir}
lenses:
  front: { input: "test:" }
  rear: { input: "test:" }
`;
}
