import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { owned } from '@gapless/harness/children';
import type { LinkAnswer, LinkCommand, LinkFacts, PortCount } from './link-process.js';
import type { LaneFacts } from './packet-lane.js';

export interface EmulatedLinkOptions {
  readonly rateBitsPerSec: number;
  /** There and back, without queues. */
  readonly rttMs: number;
  readonly lossRatio?: number;
  readonly queueMs?: number;
  /** Of the vehicle's kernel, for this link: `bbr` or `cubic`. */
  readonly congestionControl?: string;
}

/** The mobile link that the benchmarks promise for. */
export const MOBILE_LINK = { rateBitsPerSec: 10e6, rttMs: 80 } as const;

const PROCESS = fileURLToPath(new URL('./link-process.js', import.meta.url));
const DEFAULT_QUEUE_MS = 300;

/** Opens two TUN devices and starts a program that inherits them. Node itself cannot make the call that this takes. */
const OPEN_DEVICES = String.raw`
  $^F = 10;
  my @open;
  for my $name (splice @ARGV, 0, 2) {
    open(my $device, "+<", "/dev/net/tun") or die "cannot open /dev/net/tun: $!";
    ioctl($device, 0x400454ca, pack("a16sx22", $name, 0x1001)) or die "cannot make $name: $!";
    push @open, $device;
  }
  my $program = shift @ARGV;
  exec $program, shift(@ARGV), fileno($open[0]), fileno($open[1]), @ARGV;
`;

/**
 * A link between a vehicle in a network namespace of its own and central in ours, with the kernel's real TCP on both
 * sides: a rate, a delay, loss, cuts that drop everything, and a change of the vehicle's address. Needs root on Linux.
 */
export class EmulatedLink implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #namespace: string;
  readonly #device: string;
  readonly #network: string;
  readonly #route: string;
  readonly #answers = new Map<number, (answer: LinkAnswer) => void>();
  readonly #ended: Promise<never>;
  #address = 2;
  #commands = 0;

  private constructor(child: ChildProcess, names: { id: string; network: string; route: string }) {
    this.#child = child;
    this.#namespace = `gapless-${names.id}`;
    this.#device = `glv${names.id}`;
    this.#network = names.network;
    this.#route = names.route;
    this.#ended = new Promise((_, reject) =>
      child.once('exit', () => reject(new Error('the emulated link has ended'))),
    );
    this.#ended.catch(() => undefined);
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as LinkAnswer;
      this.#answers.get(answer.id)?.(answer);
      this.#answers.delete(answer.id);
    });
  }

  /** Why there can be none on this machine; `undefined` if there can. */
  static get obstacle(): string | undefined {
    try {
      accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
      execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
      execFileSync('perl', ['-e', '1'], { stdio: 'ignore' });
    } catch {
      return 'an emulated link needs Linux with /dev/net/tun, iproute2 and perl';
    }
    return process.getuid?.() === 0 ? undefined : 'an emulated link needs root';
  }

  static async start(options: EmulatedLinkOptions): Promise<EmulatedLink> {
    const id = String(process.pid);
    // Of the block that is set aside for benchmarks (RFC 2544), one network for each process that runs one.
    const network = `198.18.${process.pid % 256}`;
    const lane: LaneFacts = {
      rateBitsPerSec: options.rateBitsPerSec,
      delayMs: options.rttMs / 2,
      lossRatio: options.lossRatio ?? 0,
      queueMs: options.queueMs ?? DEFAULT_QUEUE_MS,
    };
    const facts: LinkFacts = { up: lane, down: { ...lane, lossRatio: 0 } };
    const child = owned(
      spawn(
        'perl',
        ['-e', OPEN_DEVICES, `glv${id}`, `glc${id}`, process.execPath, PROCESS, JSON.stringify(facts)],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
    const cc = options.congestionControl;
    const link = new EmulatedLink(child, { id, network, route: cc ? ` congctl ${cc}` : '' });
    await link.carried();
    link.#wire(`glc${id}`);
    return link;
  }

  /** Where the vehicle finds central. */
  get centralAddress(): string {
    return `${this.#network}.1`;
  }

  /** What goes in front of a command to run it on the vehicle. */
  get onVehicle(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace];
  }

  /** Drops everything from now on, silently; returns when that was, in epoch milliseconds. */
  async cut(): Promise<number> {
    return (await this.#ask('cut')).atMs;
  }

  /** Returns when it was. */
  async restore(): Promise<number> {
    return (await this.#ask('restore')).atMs;
  }

  /** What came up to each port of central so far; first and last bulk packet since the last call of any kind. */
  async carried(): Promise<Readonly<Record<number, PortCount>>> {
    return (await this.#ask('count')).up;
  }

  /** Gives the vehicle another address, as a mobile network does after an outage; the old one is gone. */
  changeAddress(): void {
    const old = this.#address++;
    this.#inNamespace(
      `addr add ${this.#network}.${this.#address}/32 dev ${this.#device}`,
      `addr del ${this.#network}.${old}/32 dev ${this.#device}`,
      `route replace default dev ${this.#device}${this.#route}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended.catch(() => undefined);
    ip('netns', 'del', this.#namespace);
  }

  #wire(centralDevice: string): void {
    ip('netns', 'add', this.#namespace);
    ip('link', 'set', this.#device, 'netns', this.#namespace);
    this.#inNamespace(
      'link set lo up',
      `addr add ${this.#network}.${this.#address}/32 dev ${this.#device}`,
      `link set ${this.#device} up`,
      `route add default dev ${this.#device}${this.#route}`,
    );
    ip('addr', 'add', `${this.#network}.1/32`, 'dev', centralDevice);
    ip('link', 'set', centralDevice, 'up');
    ip('route', 'add', `${this.#network}.0/24`, 'dev', centralDevice);
  }

  #inNamespace(...commands: readonly string[]): void {
    for (const command of commands) ip('-n', this.#namespace, ...command.split(' '));
  }

  #ask(command: LinkCommand['do']): Promise<LinkAnswer> {
    const id = ++this.#commands;
    const answer = new Promise<LinkAnswer>((resolve) => this.#answers.set(id, resolve));
    this.#child.stdin?.write(`${JSON.stringify({ do: command, id } satisfies LinkCommand)}\n`);
    return Promise.race([answer, this.#ended]);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
