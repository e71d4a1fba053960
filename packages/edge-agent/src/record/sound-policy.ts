/**
 * What has to be done to a camera's sound for MP4 to carry it:
 * - `carry`: nothing
 * - `unwrap`: AAC comes with an ADTS header on each frame (ISO/IEC 13818-7 annex B), which MP4 has no place for
 * - `convert`: MP4 has no place for the codec; it is made into AAC
 */
export type SoundTreatment = 'carry' | 'unwrap' | 'convert';

/**
 * The treatment to begin with; ffmpeg's complaint corrects it. AAC in a transport stream always has ADTS headers, and what
 * comes by these ways is a transport stream, mostly with AAC: to guess so saves the first second of nearly every such lens.
 */
export function firstTreatment(url: string): SoundTreatment {
  const path = url.replace(/[?#].*$/s, '');
  return /^(srt|udp|rtp):/i.test(url) || /\.(ts|m2ts|mts|m3u8)$/i.test(path) ? 'unwrap' : 'carry';
}
