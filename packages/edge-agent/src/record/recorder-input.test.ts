import { describe, expect, test } from 'vitest';
import { recorderCommand, type RecorderInput } from './recorder-input.js';

const camera = (url: string, options: string[] = []): RecorderInput => ({ url, options, audio: 'auto' });

describe('an input without a secret', () => {
  test('RTSP goes over TCP unless another transport is asked for', () => {
    const { args, script } = recorderCommand(camera('rtsp://10.0.0.11/main'), false);
    expect(args.join(' ')).toContain('-rtsp_transport tcp -i rtsp://10.0.0.11/main');
    expect(script).toBeUndefined();
    const asked = recorderCommand(camera('rtsp://10.0.0.11/main', ['-rtsp_transport', 'udp']), false);
    expect(asked.args.join(' ')).toContain('-rtsp_transport udp -i rtsp://10.0.0.11/main');
    expect(asked.args).not.toContain('tcp');
  });

  test('a file runs at the speed of a camera, in a loop if so asked', () => {
    expect(recorderCommand(camera('file:/v/a.mp4?loop'), false).args.join(' ')).toContain(
      '-re -stream_loop -1 -i /v/a.mp4 ',
    );
    expect(recorderCommand(camera('file:///v/a.mp4'), false).args.join(' ')).toContain('-re -i /v/a.mp4 ');
  });
});

describe('an input with a secret', () => {
  test.each([
    'rtsp://admin:s3cret@10.0.0.11/main',
    'rtsps://admin:s3cret@10.0.0.11/main?channel=1',
    'srt://10.0.0.11:9000?mode=caller&passphrase=s3cret',
    'http://10.0.0.11/live.ts?token=s3cret',
  ])('%s stays out of the arguments', (url) => {
    const { args, script } = recorderCommand(camera(url), false);
    expect(args.join(' ')).not.toContain('s3cret');
    expect(args.join(' ')).not.toContain('10.0.0.11');
    expect(script).toContain('s3cret');
  });

  test('RTSP goes over TCP unless another transport is asked for', () => {
    expect(recorderCommand(camera('rtsp://a:b@h/main'), false).script).toBe(
      "ffconcat version 1.0\nfile 'rtsp://a:b@h/main?tcp'\n",
    );
    expect(recorderCommand(camera('rtsp://a:b@h/main?ch=1'), false).script).toContain('/main?ch=1&tcp');
    expect(recorderCommand(camera('rtsp://a:b@h/main', ['-rtsp_transport', 'udp']), false).script).toBe(
      "ffconcat version 1.0\nfile 'rtsp://a:b@h/main'\noption rtsp_transport 'udp'\n",
    );
  });

  test('a quote in it does not end the entry', () => {
    expect(recorderCommand(camera("rtsp://a:it's@h/main"), false).script).toContain(
      String.raw`file 'rtsp://a:it'\''s@h/main?tcp'`,
    );
  });
});

test('sound is carried, converted or left out', () => {
  const sound = (audio: RecorderInput['audio'], convert: boolean): string =>
    recorderCommand({ url: 'rtsp://h/main', options: [], audio }, convert).args.join(' ');
  expect(sound('auto', false)).toContain('-c:a copy');
  expect(sound('auto', true)).toContain('-c:a aac');
  expect(sound('copy', false)).toContain('-c:a copy');
  expect(sound('aac', false)).toContain('-c:a aac');
  expect(sound('none', false)).toContain('-an');
});
