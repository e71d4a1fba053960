import { BitReader, BitWriter, contentBits, escapeNal, unescapeNal } from './rbsp.js';

/**
 * Sequence parameter sets that say that pictures are shown in the order in which they are decoded. A decoder that is
 * told so hands over a picture as soon as it has it; told the truth about a stream with B-frames, it waits for pictures
 * that might belong before it. Right only for streams of which nothing but sync samples is decoded.
 */

/** The value by which `aspect_ratio_idc` says that the ratio follows (H.264 table E-1). */
const EXTENDED_SAR = 255;

/** Profiles whose sets have the fields of the High profiles (H.264 section 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** What holds for the fields beside the one that matters where a set does not say (H.264 section E.2.1). */
const UNRESTRICTED = { motionOverEdges: true, numbers: [2, 1, 15, 15] };

/**
 * A sequence parameter set of H.264, with `max_num_reorder_frames` 0.
 *
 * @param nal with its header
 * @throws MP4_INVALID for one that ends too early
 */
export function avcInDecodeOrder(nal: Uint8Array): Uint8Array {
  const payload = unescapeNal(nal);
  const from = new BitReader(payload);
  const out = new BitWriter();
  const referenceFrames = skipAvcToVui(from);
  out.copy(payload, 0, from.position);
  const hasVui = from.flag();
  out.flag(true);
  const vuiStart = from.position;
  if (hasVui) skipVui(from);
  out.copy(payload, vuiStart, from.position);
  // aspect ratio, overscan, signal, chroma place, timing, two buffering models, structure: nothing is said of them
  if (!hasVui) out.bits(0, 8);
  const isRestricted = hasVui && from.flag();
  const motionOverEdges = isRestricted ? from.flag() : UNRESTRICTED.motionOverEdges;
  const numbers = isRestricted ? UNRESTRICTED.numbers.map(() => from.unsigned()) : UNRESTRICTED.numbers;
  if (isRestricted) from.unsigned(); // max_num_reorder_frames
  const buffered = isRestricted ? from.unsigned() : referenceFrames;
  out.flag(true);
  out.flag(motionOverEdges);
  for (const number of [...numbers, 0, buffered]) out.unsigned(number);
  return escapeNal(out.finish());
}

/** Reads to `vui_parameters_present_flag`; returns `max_num_ref_frames`. */
function skipAvcToVui(from: BitReader): number {
  from.skip(8); // header
  const profile = from.bits(8);
  from.skip(16); // constraints, level
  from.unsigned(); // id
  if (HIGH_PROFILES.has(profile)) skipHighProfile(from);
  from.unsigned(); // log2_max_frame_num_minus4
  const orderType = from.unsigned();
  if (orderType === 0) from.unsigned();
  if (orderType === 1) {
    from.skip(1);
    from.signed();
    from.signed();
    for (let left = from.unsigned(); left > 0; left--) from.signed();
  }
  const referenceFrames = from.unsigned();
  from.skip(1); // gaps_in_frame_num_value_allowed_flag
  from.unsigned(); // width
  from.unsigned(); // height
  if (!from.flag()) from.skip(1); // interlaced: mb_adaptive_frame_field_flag
  from.skip(1); // direct_8x8_inference_flag
  skipNumbersIfFlagged(from, 4); // cropping
  return referenceFrames;
}

function skipHighProfile(from: BitReader): void {
  const chromaFormat = from.unsigned();
  if (chromaFormat === 3) from.skip(1);
  from.unsigned(); // bit depths
  from.unsigned();
  from.skip(1);
  if (!from.flag()) return;
  const lists = chromaFormat === 3 ? 12 : 8;
  for (let list = 0; list < lists; list++) if (from.flag()) skipScalingList(from, list < 6 ? 16 : 64);
}

/** H.264 section 7.3.2.1.1.1: a list ends early where its next scale is 0. */
function skipScalingList(from: BitReader, size: number): void {
  let last = 8;
  for (let i = 0; i < size; i++) {
    const next = (last + from.signed() + 256) % 256;
    if (next === 0) return;
    last = next;
  }
}

/** Reads to `bitstream_restriction_flag` (H.264 section E.1.1). */
function skipVui(from: BitReader): void {
  if (from.flag() && from.bits(8) === EXTENDED_SAR) from.skip(32);
  if (from.flag()) from.skip(1); // overscan
  if (from.flag()) {
    from.skip(4); // video format, full range
    if (from.flag()) from.skip(24); // colours
  }
  skipNumbersIfFlagged(from, 2); // place of chroma samples
  if (from.flag()) from.skip(65); // timing
  const hasNalModel = from.flag();
  if (hasNalModel) skipBufferingModel(from);
  const hasVclModel = from.flag();
  if (hasVclModel) skipBufferingModel(from);
  if (hasNalModel || hasVclModel) from.skip(1);
  from.skip(1); // pic_struct_present_flag
}

function skipBufferingModel(from: BitReader): void {
  const buffers = from.unsigned() + 1;
  from.skip(8);
  for (let i = 0; i < buffers; i++) {
    from.unsigned();
    from.unsigned();
    from.skip(1);
  }
  from.skip(20);
}

/** Bits of the general part of `profile_tier_level` before its level, and of that of each sub-layer. */
const PROFILE_BITS = 88;
const LEVEL_BITS = 8;

/**
 * A sequence parameter set of H.265, with `sps_max_num_reorder_pics` and `sps_max_latency_increase_plus1` 0.
 *
 * @param nal with its header
 * @throws MP4_INVALID for one that ends too early
 */
export function hevcInDecodeOrder(nal: Uint8Array): Uint8Array {
  const payload = unescapeNal(nal);
  const from = new BitReader(payload);
  from.skip(16 + 4); // header, video parameter set
  const extraLayers = from.bits(3);
  from.skip(1);
  skipProfiles(from, extraLayers);
  from.unsigned(); // id
  if (from.unsigned() === 3) from.skip(1); // chroma format
  from.unsigned(); // width
  from.unsigned(); // height
  skipNumbersIfFlagged(from, 4); // cropping
  for (let i = 0; i < 3; i++) from.unsigned(); // bit depths, length of the order count
  const isSaidOfEach = from.flag();
  const out = new BitWriter();
  out.copy(payload, 0, from.position);
  for (let layer = isSaidOfEach ? 0 : extraLayers; layer <= extraLayers; layer++) {
    out.unsigned(from.unsigned()); // pictures that are kept
    from.unsigned();
    from.unsigned();
    out.unsigned(0);
    out.unsigned(0);
  }
  out.copy(payload, from.position, contentBits(payload));
  return escapeNal(out.finish());
}

/** H.265 section 7.3.3. */
function skipProfiles(from: BitReader, extraLayers: number): void {
  from.skip(PROFILE_BITS + LEVEL_BITS);
  const present: number[] = [];
  for (let i = 0; i < extraLayers; i++) present.push(from.bits(2));
  if (extraLayers > 0) from.skip(2 * (8 - extraLayers));
  for (const flags of present) from.skip((flags & 2 ? PROFILE_BITS : 0) + (flags & 1 ? LEVEL_BITS : 0));
}

function skipNumbersIfFlagged(from: BitReader, count: number): void {
  if (!from.flag()) return;
  for (let i = 0; i < count; i++) from.unsigned();
}
