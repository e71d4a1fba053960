import type { Document, ErrorCode, Node, Pair, YAMLError } from 'yaml';
import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { quote } from '../ids/index.js';
import type { ConfigProblem } from './problem.js';
import { MAX_ALIASES, nestsTooDeeply } from './yaml-bounds.js';

/** A YAML text as plain values that remember where they stand. */
export interface YamlSource {
  /** The content; an empty file is an empty section. Only sound when {@link problems} is empty. */
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** A problem at the key or at the value of `path`, or at the nearest section above it that exists. */
  problemAt(path: readonly PropertyKey[], part: 'key' | 'value', message: string): ConfigProblem;
}

/** What zod and people call keys: `lenses.front.input`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

/** Reads YAML 1.2; everything that is not sound YAML comes back as a problem with line and remedy. */
export function readYaml(text: string, file: string): YamlSource {
  const lines = text.split(/\r\n|\n|\r/);
  const lineCounter = new LineCounter();

  const at = (offset: number, path: readonly PropertyKey[], message: string): ConfigProblem => {
    const { line, col } = lineCounter.linePos(offset);
    const [row, column] = line === 0 ? [1, 1] : [line, col];
    const place = `${file}:${row}:${column}`;
    return { place, path: dotted(path), line: row, column, excerpt: lines[row - 1] ?? '', message };
  };

  if (nestsTooDeeply(text)) {
    return broken(at(0, [], 'Sections are nested too deeply. Is this really a configuration file?'));
  }
  // Names of lenses may look like numbers; as keys they stay text.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const syntax = syntaxProblems(document, at);
  const problems = syntax.length > 0 ? syntax : aliasProblems(document, at);
  return {
    value: problems.length > 0 ? undefined : (document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}),
    problems,
    problemAt: (path, part, message) => at(offsetOf(document, path, part), path, message),
  };
}

function broken(problem: ConfigProblem): YamlSource {
  return {
    value: undefined,
    problems: [problem],
    problemAt: (_path, _part, message) => ({ ...problem, message }),
  };
}

type At = (offset: number, path: readonly PropertyKey[], message: string) => ConfigProblem;

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'Tabs cannot indent here. Use spaces.',
  BAD_INDENT: 'This is indented by the wrong number of spaces, or a bracket above it is not closed.',
  BLOCK_AS_IMPLICIT_KEY: 'A second "key:" cannot stand here. Begin a new line, or put the value in quotes.',
  MULTILINE_IMPLICIT_KEY: 'A colon is missing after the key.',
  BAD_SCALAR_START: 'A value that begins with this character must be in quotes.',
  UNEXPECTED_TOKEN: 'This does not belong here. Check the indentation and the brackets above it.',
  MISSING_CHAR: 'A closing quote or bracket is missing.',
  BAD_DQ_ESCAPE: 'A backslash in double quotes begins an escape. Use single quotes, or write it twice.',
  MULTIPLE_DOCS: 'A configuration is one document. Remove this "---" and what follows it.',
  NON_STRING_KEY: 'A key must be a plain name.',
  TAG_RESOLVE_FAILED: 'Tags that begin with "!" mean nothing here. Put the value in quotes.',
};

function syntaxProblems(document: Document.Parsed, at: At): ConfigProblem[] {
  const seen: YAMLError[] = [...document.errors, ...document.warnings];
  // One slip of syntax makes the parser trip over what follows, too: only the first is worth reading. A key that
  // stands twice is a slip of its own each time.
  const [first] = seen.filter(({ code }) => code !== 'DUPLICATE_KEY');
  const doubled = seen.filter(({ code }) => code === 'DUPLICATE_KEY');
  return [
    ...(first ? [at(first.pos[0], [], SENTENCES[first.code] ?? `${first.message}.`)] : []),
    ...doubled.map(({ pos }) => {
      const { key, path } = keyAtOffset(document, pos[0]);
      return at(
        pos[0],
        path,
        `The key ${quote(key)} stands here for the second time. Remove one of the two.`,
      );
    }),
  ];
}

function keyAtOffset(document: Document.Parsed, offset: number): { key: string; path: PropertyKey[] } {
  let found: { key: string; path: PropertyKey[] } = { key: '', path: [] };
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined;
      const above = ancestors.filter(isPair).map(keyText);
      found = { key: keyText(pair), path: [...above, keyText(pair)] };
      return visit.BREAK;
    },
  });
  return found;
}

function aliasProblems(document: Document.Parsed, at: At): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  let count = 0;
  visit(document, {
    Alias(_, alias, ancestors) {
      const offset = alias.range?.[0] ?? 0;
      const target = alias.resolve(document);
      count++;
      if (!target) problems.push(at(offset, [], `Nothing above is marked "&${alias.source}".`));
      else if (ancestors.includes(target))
        problems.push(at(offset, [], 'This refers to the section it is in.'));
      else if (count === MAX_ALIASES + 1) problems.push(at(offset, [], `More than ${MAX_ALIASES} aliases.`));
    },
  });
  if (problems.length === 0) {
    try {
      document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch {
      problems.push(at(0, [], 'The aliases in this file multiply into far too much.'));
    }
  }
  return problems;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

/** Where the key or the value of `path` begins; for one that is missing, where the section that lacks it does. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: Node | null | undefined = document.contents;
  let keyOffset = node?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair: Pair<unknown, Node | null> | undefined = isMap<unknown, Node | null>(node)
      ? node.items.find((item) => keyText(item) === String(key))
      : undefined;
    const item: Node | null | undefined = isSeq<Node | null>(node) ? node.items[Number(key)] : undefined;
    if (!pair && !item) return keyOffset;
    const last = depth === path.length - 1;
    keyOffset = (isScalar(pair?.key) ? pair.key.range?.[0] : item?.range?.[0]) ?? keyOffset;
    node = pair ? pair.value : item;
    if (last && part === 'value' && node?.range && hasText(node)) return node.range[0];
  }
  return keyOffset;
}

/** Whether anything is written there: the value of `key:` alone is a null that stands at the end of the line. */
function hasText(node: Node): boolean {
  return !(isScalar(node) && node.value === null && (node.source ?? '') === '');
}
