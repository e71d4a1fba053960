// npm run package:deb [-- edge|central] [--out DIR] [--compression xz|gzip]: Debian packages of the two daemons, with
// their modules and the Node that runs this script inside. docs/guide/install.md says why.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { bundle, filesBelow } from './bundle-modules.mjs';
import { findProgram } from './debian.mjs';
import { Failure, main, manifest, root, run, say } from './lib.mjs';
import { setup } from './setup.mjs';

const PACKAGES = {
  edge: { name: 'gapless-edge', project: 'packages/edge-agent', config: 'edge.yml' },
  central: { name: 'gapless-central', project: 'packages/central', config: 'central.yml' },
};

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64', arm: 'armhf' };

await main(import.meta.url, async (argv) => {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { out: { type: 'string', default: 'dist' }, compression: { type: 'string', default: 'xz' } },
  });
  const wanted = positionals.length > 0 ? positionals : Object.keys(PACKAGES);
  const unknown = wanted.find((one) => !(one in PACKAGES));
  if (unknown !== undefined) throw new Failure(`There is no package "${unknown}": name edge or central.`);
  if (findProgram('dpkg-deb') === undefined)
    throw new Failure('dpkg-deb is missing. On Debian it is always there; elsewhere install dpkg.');
  await setup({ allowInstall: false });
  for (const one of wanted)
    process.stdout.write(`${await buildPackage(one, resolve(values.out), values.compression)}\n`);
});

/** @returns {Promise<string>} the path of the package */
async function buildPackage(which, out, compression) {
  const { name } = PACKAGES[which];
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Failure(`Debian packages are not made for ${process.arch}.`);
  const tree = mkdtempSync(join(tmpdir(), 'gapless-deb-'));
  try {
    chmodSync(tree, 0o755);
    say(`${name}: collecting`);
    await fill(tree, which);
    await writeControl(tree, which, architecture);
    tidyModes(tree);
    mkdirSync(out, { recursive: true });
    const path = join(out, `${name}_${manifest.version}_${architecture}.deb`);
    say(`${name}: packing`);
    const { code, output } = await run(
      'dpkg-deb',
      ['--root-owner-group', `-Z${compression}`, '--build', tree, path],
      { env: { ...process.env, SOURCE_DATE_EPOCH: await sourceDate() } },
    );
    if (code !== 0) throw new Failure(`dpkg-deb failed:\n${output}`);
    return path;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** What is installed. */
async function fill(tree, which) {
  const { name, project, config } = PACKAGES[which];
  const from = join(root, 'packaging', which);
  const lib = join(tree, 'usr/lib', name);
  bundle(project, lib);
  copy(process.execPath, join(lib, 'bin/node'));
  await stripBinaries(lib);
  put(
    tree,
    `usr/bin/${name}`,
    `#!/bin/sh\nexec /usr/lib/${name}/bin/node /usr/lib/${name}/bin/${name}.mjs "$@"\n`,
  );
  copy(join(from, `${name}.service`), join(tree, `lib/systemd/system/${name}.service`));
  copy(join(from, config), join(tree, 'etc/gapless', config));
  const doc = `usr/share/doc/${name}`;
  copy(join(root, 'docs/guide/install.md'), join(tree, doc, 'install.md'));
  put(tree, `${doc}/copyright`, copyright(lib));
  const changes = `${name} (${manifest.version}) stable; urgency=medium\n\n  * Release ${manifest.version}.\n\n -- Gapless <gapless@localhost>  ${new Date(Number(await sourceDate()) * 1000).toUTCString().replace('GMT', '+0000')}\n`;
  put(tree, `${doc}/changelog.gz`, gzipSync(changes, { level: 9 }));
  copy(join(from, `${name}.lintian-overrides`), join(tree, 'usr/share/lintian/overrides', name));
}

/** Symbols are of use to nobody on a vehicle and are a seventh of Node. */
async function stripBinaries(lib) {
  if (findProgram('strip') === undefined) return;
  const binaries = filesBelow(lib).filter((file) => file === 'bin/node' || file.endsWith('.node'));
  const { code, output } = await run('strip', ['--strip-unneeded', ...binaries], { cwd: lib });
  if (code !== 0) throw new Failure(`strip failed:\n${output}`);
}

async function writeControl(tree, which, architecture) {
  const { config } = PACKAGES[which];
  const from = join(root, 'packaging', which);
  const files = filesBelow(tree);
  const kilobytes = files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / 1024), 0);
  const control = readFileSync(join(from, 'control'), 'utf8')
    .replace('@VERSION@', manifest.version)
    .replace('@ARCHITECTURE@', architecture)
    // The SQLite addon was linked against the C library of this machine.
    .replace('@LIBC@', process.report.getReport().header.glibcVersionRuntime)
    .replace('@SIZE@', String(kilobytes));
  const sums = files
    .filter((file) => !file.startsWith('etc/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(tree, file)))
          .digest('hex')}  ${file}\n`,
    );
  put(tree, 'DEBIAN/control', control);
  put(tree, 'DEBIAN/conffiles', `/etc/gapless/${config}\n`);
  put(tree, 'DEBIAN/md5sums', sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(tree, `DEBIAN/${script}`, readFileSync(join(from, script)), 0o755);
}

/** Modules keep the licences that they came with beside them; this says where. */
function copyright(lib) {
  const header = [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: Gapless',
    '',
    'Files: *',
    'Copyright: 2026 The authors of Gapless',
    'License: Apache-2.0',
    ' On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.',
    ' .',
    ' The Node.js runtime and the modules below keep their own licences; where a',
    ' module came with a text of its licence, it stands beside the module.',
    ' .',
  ];
  return `${[...header, ` node ${process.versions.node}: MIT and others`, ...modulesOf(lib)].join('\n')}\n`;
}

function modulesOf(lib) {
  const manifests = filesBelow(lib).filter((file) =>
    /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file),
  );
  const lines = manifests.map((file) => {
    const { name, version, license } = JSON.parse(readFileSync(join(lib, file), 'utf8'));
    return ` ${name} ${version}: ${license ?? 'see the module'}`;
  });
  return [...new Set(lines)].sort();
}

function tidyModes(tree) {
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const runs = /\/(usr\/bin\/[^/]+|bin\/node|DEBIAN\/(postinst|prerm|postrm))$/.test(path);
    chmodSync(path, entry.isDirectory() || runs ? 0o755 : 0o644);
  }
}

/** When the sources last changed, so that the same sources make the same package. */
async function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return given;
  const { code, output } = await run('git', ['log', '-1', '--format=%ct']);
  return code === 0 ? output.trim() : String(Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000));
}

function put(tree, path, content, mode = 0o644) {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), content, { mode });
}

function copy(from, to) {
  if (!existsSync(from)) throw new Failure(`${from} is missing.`);
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
