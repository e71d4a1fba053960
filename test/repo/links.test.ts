import { dirname, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, place, textOf, writtenFiles } from './tree.js';

const pages = writtenFiles().filter((path) => path.endsWith('.md'));

interface Link {
  readonly at: string;
  readonly path: string;
  readonly fragment: string | undefined;
}

/** The links of a page that lead to files of the repository. */
function linksOf(page: string): Link[] {
  const text = withoutCode(textOf(page) ?? '');
  const inline = /!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
  const reference = /^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm;
  return [...text.matchAll(inline), ...text.matchAll(reference)].flatMap((match) => {
    const target = match[1] ?? '';
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [path = '', fragment] = target.split('#');
    const resolved = path === '' ? page : posix.normalize(posix.join(dirname(page), decodeURI(path)));
    return [{ at: `${place(page, text, match.index)}  ${target}`, path: resolved, fragment }];
  });
}

function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blank).replace(/`[^`\n]*`/g, blank);
}

function blank(code: string): string {
  return code.replace(/[^\n]/g, ' ');
}

/** The anchors that a Markdown page offers, as the common forges make them from headings. */
function anchorsOf(page: string): Set<string> {
  const text = (textOf(page) ?? '').replace(/^(```|~~~)[\s\S]*?^\1/gm, blank);
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    for (let name = slug, count = 1; ; name = `${slug}-${count++}`) {
      if (anchors.has(name)) continue;
      anchors.add(name);
      break;
    }
  }
  return anchors;
}

describe('the pages', () => {
  const links = pages.flatMap(linksOf);

  it('link to files that exist', () => {
    expect(links.filter(({ path }) => !exists(path)).map(({ at }) => at)).toEqual([]);
  });

  it('link to headings that exist', () => {
    const broken = links.filter(
      ({ path, fragment }) =>
        fragment !== undefined && path.endsWith('.md') && exists(path) && !anchorsOf(path).has(fragment),
    );
    expect(broken.map(({ at }) => at)).toEqual([]);
  });
});
