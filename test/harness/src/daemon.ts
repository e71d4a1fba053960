import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { owned } from './children.js';

export interface DaemonOptions {
  /** A JavaScript file to run with this Node. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What goes in front of the command, such as `ip netns exec NAME`; it must become the daemon, not start it. */
  readonly prefix?: readonly string[];
}

/** A line of a daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string; readonly level?: string };

/** How long a daemon may take to come up or to stop. */
const PATIENCE_MS = 15_000;
const KEPT_LINES = 2_000;

/** A daemon as a separate process: started, watched through what it prints, and ended by its id. */
export class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #events: Record<string, unknown>[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #exited: Promise<number | string>;
  /** The log so far, newest last, and lines that are no JSON as they came. */
  readonly log: (LogLine | string)[] = [];

  private constructor(options: DaemonOptions) {
    const [command, ...args] = [...(options.prefix ?? []), process.execPath, options.script, ...options.args];
    this.#child = owned(
      spawn(command!, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      }),
    );
    this.#exited = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)),
    );
    void this.#exited.then(() => this.#changed());
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#event(line));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#logLine(line));
  }

  /** Starts a daemon and waits until it prints the event `name` on its standard output. */
  static async start(
    options: DaemonOptions & { readonly until: string },
  ): Promise<{ daemon: Daemon; event: Record<string, unknown> }> {
    const daemon = new Daemon(options);
    try {
      return { daemon, event: await daemon.event(options.until) };
    } catch (thrown) {
      await daemon.kill();
      throw thrown;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The event `name`, once it was printed; throws with the end of the log if the daemon ends or takes too long. */
  event(name: string): Promise<Record<string, unknown>> {
    return this.#wait(`the event "${name}"`, () => this.#events.find((one) => one['event'] === name));
  }

  /** The first log line that `matches`, once there is one. */
  logged(matches: (line: LogLine) => boolean, patienceMs = PATIENCE_MS): Promise<LogLine> {
    return this.#wait(
      'a log line',
      () => this.log.find((line): line is LogLine => typeof line === 'object' && matches(line)),
      patienceMs,
    );
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to stop, and ends it when it takes too long; returns its exit code, or the signal that ended it. */
  async stop(): Promise<number | string> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    const end = await this.#exited;
    clearTimeout(timer);
    return end;
  }

  /** Resolves when the process has ended by itself, with its exit code or signal. */
  get exited(): Promise<number | string> {
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.stop();
  }

  #event(line: string): void {
    try {
      this.#events.push(JSON.parse(line) as Record<string, unknown>);
    } catch {
      this.log.push(line);
    }
    this.#changed();
  }

  #logLine(line: string): void {
    try {
      this.log.push(JSON.parse(line) as LogLine);
    } catch {
      this.log.push(line);
    }
    if (this.log.length > KEPT_LINES) this.log.splice(0, KEPT_LINES / 2);
    this.#changed();
  }

  #changed(): void {
    for (const watch of this.#watchers) watch();
  }

  #wait<T>(what: string, find: () => T | undefined, patienceMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
      };
      const watch = (): void => {
        const found = find();
        if (found !== undefined) {
          done();
          resolve(found);
        } else if (!this.isRunning) {
          done();
          reject(new Error(`the daemon ended before ${what}:\n${this.#tail()}`));
        }
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`${what} did not come within ${patienceMs} ms:\n${this.#tail()}`));
      }, patienceMs);
      this.#watchers.add(watch);
      watch();
    });
  }

  #tail(): string {
    return this.log
      .slice(-15)
      .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
      .join('\n');
  }
}

const require = createRequire(import.meta.url);

/** The scripts of the two command lines, as the workspace links them. */
export const scripts = {
  central: require.resolve('@gapless/central/bin/gapless-central.mjs'),
  edge: require.resolve('@gapless/edge-agent/bin/gapless-edge.mjs'),
  /** The same daemons, with what tests may script: see `edge-main.ts` and `central-main.ts`. */
  scriptedCentral: fileURLToPath(new URL('../dist/central-main.js', import.meta.url)),
  scriptedEdge: fileURLToPath(new URL('../dist/edge-main.js', import.meta.url)),
} as const;

/** Runs a command to its end; returns its exit code and what it printed. */
export function runCommand(
  script: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly prefix?: readonly string[] } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const [command, ...rest] = [...(options.prefix ?? []), process.execPath, script, ...args];
    const child = owned(
      spawn(command!, rest, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.env },
      }),
    );
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
