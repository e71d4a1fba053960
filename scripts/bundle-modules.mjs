// Copies one package of the workspace with all that it needs at run time into a directory of its own: compiled
// JavaScript, package.json, node_modules. Takes what is installed and needs no network.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { Failure, root } from './lib.mjs';

/** What packages bring for those who build or read them. */
const LEFT_OUT =
  /(^|\/)\.[^/]+$|\.(d\.[cm]?ts|[cm]?ts|map|tsbuildinfo|md|flow|html|o|a|d|Makefile|mk|gypi?|c|cc|cpp|h|hpp|lzz|sh)$/;
const KEPT = /(^|\/)(licen[cs]e|copying|notice)[^/]*$/i;
/** Directories, by their path in a package, that nothing loads at run time. */
const LEFT_OUT_DIRECTORIES = new Set([
  'node_modules',
  '.github',
  '.vscode',
  'test',
  'tests',
  'benchmark',
  'benchmarks',
  'example',
  'examples',
  'docs',
]);
/** The same of packages that were compiled; in others the program itself may lie there. */
const COMPILED_FROM = new Set(['src', 'deps', 'build/deps']);
/** Where compilers put what only the linker needs. */
const OBJECTS = /\/build\/Release\/(\.deps|obj|obj\.target)(\/|$)/;

/** @param {string} project directory of the package in the workspace, relative to the root */
export function bundle(project, target) {
  copyProject(join(root, project), target);
  installInto(target, join(root, project), []);
}

/** Our own packages: what TypeScript made of sources that are still there. */
function copyProject(source, target) {
  const dist = join(source, 'dist');
  if (!existsSync(dist)) throw new Failure(`${relative(root, source)} is not compiled. Run: npm run build`);
  mkdirSync(target, { recursive: true });
  cpSync(join(source, 'package.json'), join(target, 'package.json'));
  const bin = join(source, 'bin');
  for (const name of existsSync(bin) ? readdirSync(bin) : []) {
    mkdirSync(join(target, 'bin'), { recursive: true });
    // Started by name with the runtime beside it, and not by the first line.
    const script = readFileSync(join(bin, name), 'utf8').replace(/^#!.*\n/, '');
    writeFileSync(join(target, 'bin', name), script);
  }
  cpSync(dist, join(target, 'dist'), {
    recursive: true,
    filter: (path) =>
      !/\.[a-z]+$/.test(path) ||
      (path.endsWith('.js') && existsSync(join(source, 'src', relative(dist, path)).replace(/\.js$/, '.ts'))),
  });
}

function copyPackage(source, target) {
  if (existsSync(join(source, 'tsconfig.json')) && !source.includes(`node_modules${sep}`))
    return copyProject(source, target);
  const isCompiled = existsSync(join(source, 'binding.gyp'));
  cpSync(source, target, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const inside = relative(source, path);
      if (LEFT_OUT_DIRECTORIES.has(inside) || OBJECTS.test(path)) return false;
      if (isCompiled && COMPILED_FROM.has(inside)) return false;
      if (path.endsWith('.node')) return !basename(path).startsWith('test_');
      return KEPT.test(inside) || !LEFT_OUT.test(path);
    },
  });
}

/**
 * Puts what the package at `source` depends on where the package at `target` finds it: as far out as no other version
 * stands in the way, as npm does.
 *
 * @param {readonly { target: string, held: Map<string, string> }[]} outer the packages around, from the outside in
 */
function installInto(target, source, outer) {
  const here = { target, held: new Map() };
  const around = [...outer, here];
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  );
  for (const name of [
    ...new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]),
  ].sort()) {
    const found = locate(name, source);
    if (found === undefined) {
      if (name in optionalDependencies) continue;
      throw new Failure(
        `${name}, which ${relative(root, source)} needs, is not installed. Run: npm run build`,
      );
    }
    const inner = around.findLast(({ held }) => held.has(name));
    if (inner?.held.get(name) === found) continue;
    // Further out than one of another version it would not be found.
    const place = inner === undefined ? around[0] : here;
    place.held.set(name, found);
    const at = join(place.target, 'node_modules', name);
    copyPackage(found, at);
    const outside = around.slice(0, around.indexOf(place) + 1);
    installInto(at, found, outside);
  }
}

/** Where the package `name` lies that `source` would load: pnpm puts it beside, behind a link. */
function locate(name, source) {
  for (let directory = realpathSync(source); ; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', name);
    if (existsSync(path)) return realpathSync(path);
    if (dirname(directory) === directory) return undefined;
  }
}

/** Every file below a directory, relative to it. */
export function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}
