// What the scripts share: where the repository is, how to speak and how to run a program. Plain JavaScript without
// dependencies, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Talk goes to standard error: what a script finds out goes to standard output. */
export function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}

/** A failure that a sentence explains in full; its stack helps nobody. */
export class Failure extends Error {}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean, onLine?: (line: string) => void }} options
 *   `show` lets it write to our own output; otherwise what it writes is collected
 * @returns {Promise<{ code: number, output: string }>} exit code, 127 if it could not be started; and what it wrote
 */
export function run(command, args, { cwd = root, env = process.env, show = false, onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let line = '';
    const take = (bytes) => {
      output += bytes;
      if (!onLine) return;
      const lines = (line + bytes).split('\n');
      line = lines.pop();
      lines.forEach((whole) => onLine(whole));
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    // A child that a signal ended did not do its work, whatever the reason.
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Runs a tool that is installed in the repository, by the file that its package names. */
export function runTool(file, args, options) {
  return run(process.execPath, [`node_modules/${file}`, ...args], options);
}

/** The end of a long output, where the error is. */
export function tail(output, lineCount = 40) {
  return output.trimEnd().split('\n').slice(-lineCount).join('\n');
}

/** Runs a script's main function if the script was started itself, and ends with a sentence if it fails. */
export async function main(url, work) {
  if (process.argv[1] !== fileURLToPath(url)) return;
  try {
    process.exitCode = (await work(process.argv.slice(2))) ?? 0;
  } catch (error) {
    say(error instanceof Failure ? error.message : error.stack);
    process.exitCode = 1;
  }
}
