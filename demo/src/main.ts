import { exportedLens, tunnelVehicle } from './cast.js';
import type { Abilities, Line } from './drawing/line.js';
import { lineText } from './drawing/line.js';
import { LineShow } from './drawing/line-show.js';
import { MIN_SIZE, TerminalShow } from './drawing/terminal-show.js';
import { Failure, UsageFailure } from './failure.js';
import { Keys } from './keys.js';
import { linksOf } from './links.js';
import { howToLookAround, opening, ready, whereToLook } from './look-around.js';
import { reportJson, reportLines } from './report.js';
import { Scene } from './scene.js';
import type { DemoArguments, Settings } from './settings.js';
import { settingsOf } from './settings.js';
import { Stop } from './stop.js';
import { Story } from './story.js';

const exitCodes = { proven: 0, failed: 1, usage: 2 } as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Plays the story; resolves with the exit code when everything that was started has ended. */
export async function demo(args: DemoArguments): Promise<ExitCode> {
  using stop = new Stop(process);
  try {
    return await play(settingsOf(args), stop);
  } catch (thrown) {
    const sentence = thrown instanceof Error ? thrown.message : String(thrown);
    process.stderr.write(`\n${thrown instanceof Failure ? '' : 'The demo failed: '}${sentence}\n`);
    if (thrown instanceof UsageFailure) return exitCodes.usage;
    if (args.json) process.stdout.write(`${JSON.stringify({ ok: false, error: sentence })}\n`);
    return exitCodes.failed;
  }
}

async function play(settings: Settings, stop: Stop): Promise<ExitCode> {
  const { json, keep, ffmpeg, tunnelMs } = settings;
  const talk = json ? process.stderr : process.stdout;
  const { drawn, abilities } = abilitiesOf(talk, settings);
  const say = (lines: readonly Line[]): void => {
    if (!stop.signal.aborted) talk.write(textOf(lines, abilities));
  };

  say(opening(settings));
  await using scene = await Scene.open(ffmpeg);
  stop.atOnce = () => scene.abandon();
  stop.onAsked = () => talk.write('\n Stopping.\n');
  await stop.unless(scene.start((sentence) => say([ready(sentence, abilities)])));
  const links = await linksOf(scene.client, scene.central.url, exportedLens.path);
  say(whereToLook(scene, links));

  using show = drawn ? new TerminalShow(talk, abilities) : new LineShow(talk, abilities);
  const interactive = drawn && process.stdin.isTTY;
  stop.atOnce = () => {
    show[Symbol.dispose]();
    return scene.abandon();
  };
  using story = new Story({
    scene,
    ffmpeg,
    tunnelMs,
    stop: stop.signal,
    onChange: (facts) => show.update({ ...facts, keys: interactive && !facts.isOver ? KEYS : '' }),
  });
  using _keys = interactive
    ? new Keys(process.stdin, { cut: () => story.toggleLink(), quit: () => stop.ask() })
    : undefined;
  const watching = story.watch();
  const outcome = await stop.unless(Promise.race([story.tell(), failureOf(watching)]));
  show.rest();
  say(reportLines(outcome, { keep }));
  if (json) process.stdout.write(`${reportJson(outcome)}\n`);
  if (keep) {
    say(howToLookAround(scene, links.playlist(), interactive));
    story.goOn();
    await Promise.race([stop.asked, failureOf(watching)]);
  }
  return outcome.doubts.length === 0 ? exitCodes.proven : exitCodes.failed;
}

const KEYS = `c  cut or restore the link of ${tunnelVehicle.name}    q  quit`;

/** Never resolves: rejects when `work` does. */
function failureOf(work: Promise<void>): Promise<never> {
  return new Promise((_, reject) => void work.catch(reject));
}

function abilitiesOf(
  talk: NodeJS.WriteStream,
  { headless }: Settings,
): { drawn: boolean; abilities: Abilities } {
  const { TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG } = process.env;
  const terminal = talk.isTTY && !headless && TERM !== 'dumb';
  // Where nothing is said of the encoding, as in containers, it is UTF-8.
  const locale = [LC_ALL, LC_CTYPE, LANG].find(Boolean);
  return {
    drawn: terminal && talk.rows >= MIN_SIZE.rows && talk.columns >= MIN_SIZE.columns,
    abilities: {
      colour: terminal && !NO_COLOR,
      unicode: TERM !== 'linux' && (locale === undefined || /utf-?8/i.test(locale)),
    },
  };
}

function textOf(lines: readonly Line[], abilities: Abilities): string {
  return lines.map((line) => `${lineText(line, Infinity, abilities)}\n`).join('');
}
