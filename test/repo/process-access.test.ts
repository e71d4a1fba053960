import { describe, expect, it } from 'vitest';
import { occurrences, textOf, writtenFiles } from './tree.js';

const sources = writtenFiles('packages').filter(
  (path) =>
    /\/src\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path) && !path.startsWith('packages/console/'),
);

/** Lines of code that match, as `file:line  code`. Comments may speak of what code must not use. */
function linesOfCode(pattern: RegExp, paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    (textOf(path) ?? '')
      .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
      .replace(/(^|\s)\/\/.*$/gm, '')
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}  ${line.trim()}`] : [])),
  );
}

/** A global of that name, not a property, a private field, a word in a text or a module. */
function global(name: string): string {
  return String.raw`(?<![\w.#'"\`:/-])${name}\b(?!['"\`:])`;
}

describe('the process', () => {
  it('is touched by main.ts alone; everything else gets what it needs handed in', () => {
    // cliIo and runProcess take a process as their parameter, which has that name.
    const exempt = /\/src\/main\.ts$|^packages\/shared\/src\/cli\/(cli-io|run-process)\.ts$/;
    const others = sources.filter((path) => !exempt.test(path));
    const pattern = new RegExp(String.raw`${global('process')}(\.|\[)|from '(node:)?process'`);
    expect(linesOfCode(pattern, others)).toEqual([]);
  });
});

describe('the pure folders of shared', () => {
  it('use no globals that only Node has', () => {
    const pure = sources.filter((path) =>
      /^packages\/shared\/src\/(time|interval|ids|errors|protocol|isobmff)\//.test(path),
    );
    const names = ['Buffer', 'process', 'setImmediate', '__dirname', '__filename', 'require', 'NodeJS'];
    const pattern = new RegExp(names.map((name) => String.raw`${global(name)}[.([]`).join('|'));
    expect(linesOfCode(pattern, pure)).toEqual([]);
  });
});

describe('the sources of the packages', () => {
  it('hold nothing that is put off', () => {
    const putOff = /\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented|\bplaceholder\b|\bfor now\b/gi;
    expect(occurrences(putOff, sources)).toEqual([]);
  });
});
