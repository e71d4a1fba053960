import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { owned } from '@gapless/harness/children';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('rtsp-server.py', import.meta.url));
const NEEDS = 'import gi; gi.require_version("GstRtspServer", "1.0"); gi.require_version("Gst", "1.0")';

/** Whether GStreamer's RTSP server is on this machine. */
export async function hasRtspServer(): Promise<boolean> {
  const child = owned(spawn(PYTHON, ['-c', NEEDS], { stdio: 'ignore' }));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** An IP camera that plays a MOV file over RTSP, with digest login. */
export class RtspServer implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>;
  readonly port: number;

  private constructor(child: ReturnType<typeof spawn>, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(file: string, login: { user: string; password: string }): Promise<RtspServer> {
    const child = owned(
      spawn(PYTHON, [SCRIPT, file, login.user, login.password], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const port = await new Promise<number>((resolve, reject) => {
      let complaint = '';
      child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
      child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
      child.once('exit', () => reject(new Error(`the RTSP server did not start: ${complaint}`)));
    });
    return new RtspServer(child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}
