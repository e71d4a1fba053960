/** An entry of an edit list (ISO/IEC 14496-12 section 8.6.6). */
export interface Edit {
  /** Length in ticks of the *movie's* timescale. In a fragmented file 0 means "all that follows". */
  readonly durationTicks: number;
  /** Composition time in ticks of the track at which the edit begins; -1 for an empty edit, which shows nothing. */
  readonly mediaTime: number;
}

export type TrackKind = 'video' | 'audio' | 'other';

/** What `trex` says of samples that a fragment does not describe itself (ISO/IEC 14496-12 section 8.8.3). */
export interface SampleDefaults {
  readonly durationTicks: number;
  readonly sizeBytes: number;
  /** Sample flags, section 8.8.3.1. */
  readonly flags: number;
}

/** A track of an init segment. */
export interface Track {
  readonly id: number;
  readonly kind: TrackKind;
  /** Ticks per second of every time of this track. */
  readonly timescale: number;
  /** RFC 6381: `avc1.64001f`, `hvc1.1.6.L93.b0`, `mp4a.40.2`; the bare four-character code of anything else. */
  readonly codec: string;
  /** Coded size in pixels; `undefined` unless the track is video. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** `undefined` unless the track is audio. */
  readonly channels: number | undefined;
  readonly sampleRate: number | undefined;
  /** The whole box from `stsd` that configures the decoder, as it stands in the file. */
  readonly sampleEntry: Uint8Array;
  /** The body of `avcC` or `hvcC`; `undefined` for other codecs. */
  readonly decoderConfiguration: Uint8Array | undefined;
  /** Bytes of the length before each NAL unit, 1, 2 or 4; `undefined` where samples are not made of NAL units. */
  readonly nalLengthBytes: number | undefined;
  /** The edit list; empty when the track has none, which means that it is presented as it is. */
  readonly edits: readonly Edit[];
  readonly defaults: SampleDefaults;
  /** From `tkhd`, to be carried over: nine fixed-point numbers (36 bytes) that rotate or mirror the picture. */
  readonly matrix: Uint8Array;
  /** From `tkhd`: the size at which to show the picture, as 16.16 fixed point. */
  readonly displayWidth: number;
  readonly displayHeight: number;
}
