import { describe, expect, test } from 'vitest';
import { recorderCommand, type RecorderInput } from './recorder-input.js';
import { firstTreatment, type SoundTreatment } from './sound-policy.js';

const camera = (url: string, options: string[] = []): RecorderInput => ({ url, options, audio: 'auto' });

describe('an input without a secret', () => {
  test('RTSP goes over TCP unless another transport is asked for', () => {
    const { args, script } = recorderCommand(camera('rtsp://10.0.0.11/main'), 'carry');
    expect(args.join(' ')).toContain('-rtsp_transport tcp -i rtsp://10.0.0.11/main');
    expect(script).toBeUndefined();
    const asked = recorderCommand(camera('rtsp://10.0.0.11/main', ['-rtsp_transport', 'udp']), 'carry');
    expect(asked.args.join(' ')).toContain('-rtsp_transport udp -i rtsp://10.0.0.11/main');
    expect(asked.args).not.toContain('tcp');
  });

  test('a file runs at the speed of a camera, in a loop if so asked', () => {
    expect(recorderCommand(camera('file:/v/a.mp4?loop'), 'carry').args.join(' ')).toContain(
      '-re -stream_loop -1 -i /v/a.mp4 ',
    );
    expect(recorderCommand(camera('file:///v/a.mp4'), 'carry').args.join(' ')).toContain('-re -i /v/a.mp4 ');
  });
});

describe('an input with a secret', () => {
  test.each([
    'rtsp://admin:s3cret@10.0.0.11/main',
    'rtsps://admin:s3cret@10.0.0.11/main?channel=1',
    'srt://10.0.0.11:9000?mode=caller&passphrase=s3cret',
    'http://10.0.0.11/live.ts?token=s3cret',
  ])('%s stays out of the arguments', (url) => {
    const { args, script } = recorderCommand(camera(url), 'carry');
    expect(args.join(' ')).not.toContain('s3cret');
    expect(args.join(' ')).not.toContain('10.0.0.11');
    expect(script).toContain('s3cret');
  });

  test('RTSP goes over TCP unless another transport is asked for', () => {
    expect(recorderCommand(camera('rtsp://a:b@h/main'), 'carry').script).toBe(
      "ffconcat version 1.0\nfile 'rtsp://a:b@h/main?tcp'\n",
    );
    expect(recorderCommand(camera('rtsp://a:b@h/main?ch=1'), 'carry').script).toContain('/main?ch=1&tcp');
    expect(recorderCommand(camera('rtsp://a:b@h/main', ['-rtsp_transport', 'udp']), 'carry').script).toBe(
      "ffconcat version 1.0\nfile 'rtsp://a:b@h/main'\noption rtsp_transport 'udp'\n",
    );
  });

  test('a quote in it does not end the entry', () => {
    expect(recorderCommand(camera("rtsp://a:it's@h/main"), 'carry').script).toContain(
      String.raw`file 'rtsp://a:it'\''s@h/main?tcp'`,
    );
  });
});

test('sound is carried, unwrapped, converted or left out', () => {
  const sound = (audio: RecorderInput['audio'], treatment: SoundTreatment): string =>
    recorderCommand({ url: 'rtsp://h/main', options: [], audio }, treatment).args.join(' ');
  expect(sound('auto', 'carry')).toContain('-c:a copy -dn');
  expect(sound('auto', 'unwrap')).toContain('-c:a copy -bsf:a aac_adtstoasc');
  expect(sound('auto', 'convert')).toContain('-c:a aac');
  expect(sound('copy', 'carry')).toContain('-c:a copy -dn');
  expect(sound('aac', 'unwrap')).toContain('-c:a aac -dn');
  expect(sound('none', 'unwrap')).toContain('-an -dn');
});

test.each([
  ['rtsp://10.0.0.11/main', 'carry'],
  ['file:/srv/drive.mp4?loop', 'carry'],
  ['file:/srv/drive.ts?loop', 'unwrap'],
  ['srt://10.0.0.11:9000?mode=caller', 'unwrap'],
  ['udp://239.0.0.1:5000', 'unwrap'],
  ['http://10.0.0.11/live.m3u8?token=x', 'unwrap'],
] as const)('the sound of %s is first tried as %s', (url, treatment) => {
  expect(firstTreatment(url)).toBe(treatment);
});
