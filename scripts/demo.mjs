// npm run demo: sets up, finds an ffmpeg, and plays the story of the tunnel; the story itself is demo/src.
import { findFfmpeg } from './find-ffmpeg.mjs';
import { Failure, main, say } from './lib.mjs';
import { setup } from './setup.mjs';

const HELP = `Usage: npm run demo [-- OPTIONS]

Starts central and two vehicles on this machine, cuts the link of one as in a tunnel, and shows how the gap in its
footage is found, filled and proven to be filled: exit code 0 only if no frame is lost and none is doubled.

  --tunnel LENGTH  how long the link is cut; 20s unless told otherwise
  --keep           leave everything running afterwards, until Ctrl-C
  --json           print the outcome as one JSON object, the last line of standard output; talk goes to standard error
  --headless       write lines, draw nothing
  --help           print this`;

const USAGE = 2;

/** Returns what the arguments say, or throws a sentence. */
function parse(args) {
  const options = { keep: false, json: false, headless: false, help: false, tunnel: undefined };
  const left = [...args];
  // npm run passes what follows its own "--"; people type a second one.
  if (left[0] === '--') left.shift();
  while (left.length > 0) {
    const [, name, value] = /^--([a-z]+)(?:=(.*))?$/s.exec(left[0]) ?? [];
    const word = left.shift();
    if (word === '-h') options.help = true;
    else if (name === 'tunnel') {
      options.tunnel = value ?? left.shift();
      if (options.tunnel === undefined) throw new Failure('--tunnel needs a length of time, such as 20s.');
    } else if (name !== undefined && Object.hasOwn(options, name) && value === undefined)
      options[name] = true;
    else throw new Failure(`There is no option ${word}.`);
  }
  return options;
}

/** Wrong arguments are a matter of the person who typed them: nothing is set up before they are right. */
function wrongUsage(sentence) {
  say(`${sentence}\n\n${HELP}`);
  return USAGE;
}

await main(import.meta.url, async (args) => {
  let options;
  try {
    options = parse(args);
  } catch (error) {
    if (error instanceof Failure) return wrongUsage(error.message);
    throw error;
  }
  const { help, ...story } = options;
  if (help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  await setup({ allowInstall: true });
  const { path: ffmpeg } = await findFfmpeg({ allowInstall: true });
  const { demo } = await import('../demo/dist/main.js');
  const code = await demo({ ...story, ffmpeg });
  if (code === USAGE) say(`\n${HELP}`);
  return code;
});
