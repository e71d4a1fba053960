import { copyFile, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { recordingPath, segmentPath } from '../../../packages/edge-agent/src/index/index.js';
import type { BrokenPlace } from './broken-place.js';
import { at, where } from './broken-place.js';

/** One thing that can be wrong with recordings and their index. */
export interface Damage {
  readonly what: string;
  readonly breaks: (broken: BrokenPlace) => void | Promise<void>;
  /** The invariants that the check must name, each as often as it must name it. */
  readonly finds: readonly string[];
  /** Only reading every file to its last byte finds it. */
  readonly readData?: true;
}

export const damages: readonly Damage[] = [
  {
    what: 'a row that refers to a lens that is not there',
    breaks: (broken) => broken.sql("INSERT INTO absence VALUES (99, 1, 2, 'off', NULL, 1)"),
    finds: ['database'],
  },
  {
    what: 'an index file with a page of rubbish',
    breaks: (broken) => broken.scribble(),
    finds: ['database'],
  },
  {
    what: 'holes that are no ranges',
    breaks: (broken) =>
      broken.sql(
        `UPDATE segment SET holes = '[{"startMs":9,"endMs":1}]' WHERE ${where(broken.segment(1, 2))}`,
      ),
    finds: ['rows'],
  },
  {
    what: 'a protected segment that does not count as such',
    breaks: (broken) =>
      broken.sql(
        'UPDATE segment SET protected = 0 WHERE protected = 1 AND run_id = 3',
        'UPDATE segment SET protected = 1 WHERE run_id = 1 AND seq = 2',
      ),
    finds: ['protections', 'protections'],
  },
  {
    what: 'two pins of one holder that overlap',
    breaks: (broken) =>
      broken.sql(
        `INSERT INTO protection SELECT lens_id, holder, start_ms + 1, end_ms, reason, made_ms, expires_ms
         FROM protection WHERE holder = 'police'`,
      ),
    finds: ['protections', 'protections'],
  },
  {
    what: 'pins that the file beside the recordings does not name',
    breaks: (broken) => broken.sql("DELETE FROM protection WHERE holder = 'police'"),
    finds: ['protections'],
  },
  {
    what: 'a change counter that was set back',
    breaks: (broken) => broken.sql("UPDATE meta SET value = value - 1 WHERE key = 'change_seq'"),
    finds: ['change-sequence'],
  },
  {
    what: 'two rows with one change sequence',
    breaks: (broken) =>
      broken.sql(
        'UPDATE segment SET change_seq = (SELECT change_seq FROM absence) WHERE seq = 2 AND run_id = 1',
      ),
    finds: ['change-sequence'],
  },
  {
    what: "a lens's bytes that are not those of its segments",
    breaks: (broken) => broken.sql("UPDATE lens SET bytes = bytes + 1 WHERE name = 'front'"),
    finds: ['lens-bytes'],
  },
  {
    what: 'a run without an end before another run',
    breaks: async (broken) => {
      broken.sql(`UPDATE run SET end_ms = NULL, end_reason = NULL WHERE name = '${broken.runs[0]}'`);
      await broken.journal((lines) => lines.filter((line) => !line.includes('"endReason":"crashed"')));
    },
    finds: ['open-runs (warning)'],
  },
  {
    what: 'a number of which nothing says what became of it',
    breaks: (broken) => broken.sql('DELETE FROM tombstone'),
    finds: ['numbering'],
  },
  {
    what: 'a number that is both a segment and a tombstone',
    // The run took change sequence 1 when it began and has had another since it ended.
    breaks: (broken) =>
      broken.sql(
        `INSERT INTO tombstone SELECT run_id, seq, lens_id, start_ms, end_ms, size_bytes, sha256, 0, 'evicted', 1,
           file_start_ms, 1 FROM segment WHERE ${where(broken.segment(0, 1))}`,
      ),
    finds: ['numbering', 'no-overlap', 'journal'],
  },
  {
    what: 'a segment that ends after its run',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET end_ms = end_ms + 1 WHERE ${where(broken.segment(1, 2))}`),
    finds: ['run-extent'],
  },
  {
    what: 'a segment that begins before its run',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET start_ms = start_ms - 1 WHERE ${where(broken.segment(1, 0))}`),
    finds: ['run-extent'],
  },
  {
    what: 'a segment that begins before the one before it has ended',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET start_ms = start_ms - 1 WHERE ${where(broken.segment(1, 1))}`),
    finds: ['no-overlap'],
  },
  {
    what: 'a fragment table that cannot be read',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET fragments = x'ff' WHERE ${where(broken.segment(1, 1))}`),
    finds: ['fragments'],
  },
  {
    what: 'a segment that does not go on where the one before it ended',
    breaks: (broken) =>
      broken.sql(
        `UPDATE segment SET first_fragment = first_fragment + 1 WHERE ${where(broken.segment(1, 2))}`,
      ),
    finds: ['fragments', 'fragments'],
  },
  {
    what: 'a file that is gone',
    breaks: (broken) => rm(broken.file(broken.segment(0, 2))),
    finds: ['file'],
  },
  {
    what: 'a file that is too short',
    breaks: (broken) => truncate(broken.file(broken.segment(0, 2)), 100),
    finds: ['file'],
  },
  {
    what: 'a directory in the place of a file',
    breaks: async (broken) => {
      const segment = broken.segment(0, 2);
      await rm(broken.file(segment));
      await mkdir(broken.file(segment));
    },
    finds: ['file'],
  },
  {
    what: 'a file that was not moved to its day',
    breaks: async (broken) => {
      const segment = broken.segment(0, 2);
      const to = broken.path(recordingPath(segment));
      await mkdir(dirname(to), { recursive: true });
      await rename(broken.file(segment), to);
    },
    finds: ['place (warning)'],
  },
  {
    what: 'a segment file without a row',
    breaks: (broken) => {
      const segment = broken.segment(0, 2);
      const stray = segmentPath({ ...segment, seq: 17 });
      return copyFile(broken.file(segment), broken.path(stray));
    },
    finds: ['orphan'],
  },
  {
    what: "somebody's note beside the segments",
    breaks: (broken) => writeFile(broken.path('front/2026-08-22/note.txt'), 'mine'),
    finds: ['orphan (warning)'],
  },
  {
    what: 'a directory that is no day',
    breaks: (broken) => mkdir(broken.path('front/2026-13-45')),
    finds: ['orphan (warning)'],
  },
  {
    what: 'a directory that is no lens',
    breaks: (broken) => mkdir(broken.path('lost+found')),
    finds: ['orphan (warning)'],
  },
  {
    what: 'a deleted segment whose file came back',
    breaks: (broken) =>
      copyFile(broken.file(broken.segment(0, 1)), broken.path(segmentPath(broken.tombstone()))),
    finds: ['orphan'],
  },
  {
    what: 'a deleted segment whose file is still there',
    breaks: async (broken) => {
      await copyFile(broken.file(broken.segment(0, 1)), broken.path(segmentPath(broken.tombstone())));
      broken.sql('UPDATE tombstone SET file_gone = 0');
    },
    finds: ['removal (warning)'],
  },
  {
    what: 'a segment that is not the one that the next names',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET sha256 = zeroblob(32) WHERE ${where(broken.segment(1, 0))}`),
    finds: ['chain'],
  },
  {
    what: 'a tombstone that is not the one that the next names',
    breaks: async (broken) => {
      broken.sql('UPDATE tombstone SET sha256 = zeroblob(32)');
      const { sha256 } = broken.tombstone();
      await broken.journal((lines) =>
        lines.map((line) => line.replace(/("kind":"tombstone".*"sha256":")[0-9a-f]+/, `$1${sha256}`)),
      );
    },
    finds: ['chain'],
  },
  {
    what: 'a file without a seal',
    breaks: async (broken) => {
      const segment = broken.segment(1, 2);
      const bytes = await readFile(broken.file(segment));
      bytes.write('free', at(bytes, 'uuid'), 'latin1');
      await broken.replace(segment, bytes);
    },
    finds: ['chain'],
  },
  {
    what: 'a journal that lacks a line',
    breaks: (broken) => broken.journal((lines) => lines.filter((line) => !line.includes('"absence"'))),
    finds: ['journal'],
  },
  {
    what: 'a journal that says otherwise',
    breaks: (broken) => broken.journal((lines) => lines.map((line) => line.replace('no-signal', 'off'))),
    finds: ['journal'],
  },
  {
    what: 'a journal with a line that makes no sense',
    breaks: (broken) => broken.journal((lines) => [...lines, 'hello']),
    finds: ['journal (warning)'],
  },
  {
    what: 'a journal that is gone',
    breaks: (broken) => rm(broken.path('front/2026-08-22/journal.jsonl')),
    finds: ['journal', 'journal', 'journal', 'journal'],
  },
  {
    what: 'a file whose row says another hash',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET sha256 = zeroblob(32) WHERE ${where(broken.segment(1, 2))}`),
    finds: ['hash'],
    readData: true,
  },
  {
    what: 'a flipped bit in the picture',
    breaks: async (broken) => {
      const path = broken.file(broken.segment(1, 1));
      const bytes = await readFile(path);
      bytes[at(bytes, 'mdat') + 40]! ^= 1;
      await writeFile(path, bytes);
    },
    finds: ['hash', 'seal'],
    readData: true,
  },
  {
    what: 'a fragment with another number',
    breaks: (broken) =>
      broken.forge(broken.segment(1, 2), (body) => body.writeUInt32BE(99, at(body, 'mfhd') + 8)),
    finds: ['structure', 'fragments'],
    readData: true,
  },
  {
    what: 'a broken box behind the head',
    breaks: (broken) =>
      broken.forge(broken.segment(1, 2), (body) => body.write('xxxx', at(body, 'moof'), 'latin1')),
    finds: ['structure'],
    readData: true,
  },
  {
    what: 'a file of another vehicle',
    breaks: (broken) =>
      broken.forge(broken.segment(1, 2), (body) => body.write('bus-043', at(body, 'bus-042'), 'latin1')),
    finds: ['identity'],
    readData: true,
  },
  {
    what: 'a signature that is not right',
    breaks: async (broken) => {
      const segment = broken.segment(1, 2);
      const bytes = await readFile(broken.file(segment));
      const signature = at(bytes, '"signature":"') + '"signature":"'.length;
      bytes.write(
        bytes.toString('latin1', signature, signature + 1) === '0' ? '1' : '0',
        signature,
        'latin1',
      );
      await broken.replace(segment, bytes);
    },
    finds: ['seal'],
    readData: true,
  },
  {
    what: 'a row that does not follow from its file',
    breaks: (broken) =>
      broken.sql(`UPDATE segment SET end_ms = end_ms - 1 WHERE ${where(broken.segment(1, 2))}`),
    finds: ['row-of-file'],
    readData: true,
  },
];
