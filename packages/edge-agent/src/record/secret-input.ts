/** User name and password before the host, or a passphrase or key among the parameters. */
const SECRET =
  /^[a-z0-9+.-]+:\/\/([^\s/@]+@|\S*[?&](passphrase|password|passwd|pass|pwd|token|key|secret)=)/i;

/** What a network input may be read through, and nothing on the vehicle's own disk. */
const PROTOCOLS =
  'pipe,rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,srt,rtmp,rtmps,rtmpt,rtmpts,data';

/** Whether a URL says something that other users of the machine must not read. */
export function holdsSecret(url: string): boolean {
  return SECRET.test(url);
}

/**
 * A network input whose URL stays out of the arguments, which every user of the machine can read with `ps`: ffmpeg
 * reads it from its standard input as the one entry of a concat script (ffmpeg-formats, section concat).
 *
 * Options are lines of the script too, for which ffmpeg has to be 5.0 or newer.
 */
export function secretInput(
  url: string,
  options: readonly string[],
): { readonly args: string[]; readonly script: string } {
  const lines = ['ffconcat version 1.0', `file ${quoted(url)}`, ...optionLines(options)];
  return {
    args: ['-protocol_whitelist', PROTOCOLS, '-safe', '0', '-f', 'concat', '-i', 'pipe:0'],
    script: `${lines.join('\n')}\n`,
  };
}

function optionLines(options: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < options.length; at += 2)
    lines.push(`option ${options[at]!.replace(/^-+/, '')} ${quoted(options[at + 1] ?? '')}`);
  return lines;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
