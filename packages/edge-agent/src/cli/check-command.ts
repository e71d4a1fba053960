import type { CliOutput } from '@gapless/shared/cli';
import { exitCodes } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { noSteps } from '@gapless/shared/lifecycle';
import { tryLock } from '@gapless/shared/sqlite';
import { formatDuration } from '@gapless/shared/time';
import type { Command } from 'commander';
import { agentLockPath, lockState } from '../agent-lock.js';
import type { EdgeConfig } from '../config.js';
import { storageDirOf, vehicleOf } from '../config.js';
import type { CheckProgress, Difference, Finding, Rebuilt } from '../index/index.js';
import { check, indexPath, readIndex, rebuildIndex } from '../index/index.js';
import { readEvidenceKey } from '../link/index.js';
import { KEEP_MS } from '../retain/index.js';
import { requireWritable } from '../writable-directory.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';

interface CheckArguments {
  readonly config: string;
  readonly readData?: true;
  readonly rebuild?: true;
}

/** As many findings are printed of each invariant; all are counted. */
const MAX_PRINTED = 100;

export function addCheckCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('check')
    .description('verify that recordings and index are in order; the agent may run meanwhile')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .option('--read-data', 'read every recording to its last byte: hashes, structure and signatures')
    .option('--rebuild', 'make the index anew from the recordings first; the agent must be stopped')
    .addHelpText('after', '\nExits with 0 when all is in order, with 1 when there are findings.')
    .action(async (options: CheckArguments) => {
      const config = await configOf(context, options.config);
      const rebuilt = options.rebuild ? await rebuild(config, options, { output, context }) : undefined;
      const found = await checkAll(config, options, { output, context });
      const count = [...found.counts.values()].reduce((sum, each) => sum + each, 0);
      output.print(
        {
          ok: count === 0,
          ...found.looked,
          findings: found.findings,
          count,
          ...(rebuilt ? { rebuilt } : {}),
        },
        () => summary(found, count),
      );
      if (count > 0) output.io.setExitCode(exitCodes.failed);
    });
}

interface Face {
  readonly output: CliOutput;
  readonly context: CliContext;
}

async function rebuild(
  config: EdgeConfig,
  options: CheckArguments,
  { output, context }: Face,
): Promise<Rebuilt> {
  // It may be gone with the index: then the recordings are all there is to go by.
  await requireWritable(config.stateDir, 'stateDir');
  using _lock = lockState(config.stateDir);
  using progress = output.progress('rebuilding the index');
  const startedMs = output.io.clock.monotonicMs();
  const rebuilt = await rebuildIndex({
    path: indexPath(config.stateDir),
    storageDir: storageDirOf(config),
    disk: nodeDisk,
    step: noSteps,
    readData: options.readData ?? false,
    nowMs: output.io.clock.nowMs(),
    onProgress: (done, total) => progress.update({ done, total, note: `${done} of ${total} files` }),
    signal: context.shutdown,
  });
  const tookMs = output.io.clock.monotonicMs() - startedMs;
  for (const line of rebuiltText(rebuilt, tookMs)) output.say(line);
  return rebuilt;
}

interface Found {
  readonly findings: readonly Finding[];
  readonly counts: ReadonlyMap<Finding['invariant'], number>;
  readonly looked: CheckProgress;
}

async function checkAll(
  config: EdgeConfig,
  options: CheckArguments,
  { output, context }: Face,
): Promise<Found> {
  const database = readIndex(indexPath(config.stateDir));
  try {
    const findings: Finding[] = [];
    const counts = new Map<Finding['invariant'], number>();
    using progress = output.progress('checking');
    const looked = await check({
      database,
      storageDir: storageDirOf(config),
      vehicle: vehicleOf(config),
      evidenceKey: await readEvidenceKey(config.stateDir),
      readData: options.readData ?? false,
      nowMs: output.io.clock.nowMs(),
      keepMs: KEEP_MS,
      isRunning: () => isAgentRunning(config.stateDir),
      report: (finding) => {
        const count = (counts.get(finding.invariant) ?? 0) + 1;
        counts.set(finding.invariant, count);
        if (count > MAX_PRINTED) return;
        findings.push(finding);
        output.say(findingText(finding));
      },
      onProgress: ({ segments, totalSegments, bytes }) =>
        progress.update({
          done: segments,
          total: totalSegments,
          note: `${segments} of ${totalSegments} segments${options.readData ? `, ${megabytes(bytes)}` : ''}`,
        }),
      signal: context.shutdown,
    });
    return { findings, counts, looked };
  } finally {
    database.close();
  }
}

/** An agent that can be locked out does not run. The lock is given back at once: a check keeps no agent from starting. */
function isAgentRunning(stateDir: string): boolean {
  using lock = tryLock(agentLockPath(stateDir), 0);
  return lock === undefined;
}

function findingText({ invariant, severity, lens, segment, path, detail, remedy }: Finding): string {
  const where = path ?? segment ?? lens;
  return `${severity}: ${invariant}: ${where === undefined ? '' : `${where}: `}${detail}\n  ${remedy}`;
}

function summary({ counts, looked }: Found, count: number): string {
  const { segments, bytes } = looked;
  const seen = `${segments} ${segments === 1 ? 'segment' : 'segments'}, ${megabytes(bytes)}`;
  if (count === 0) return `All is in order: ${seen}.`;
  const each = [...counts].map(([invariant, times]) => `  ${invariant}: ${times}`);
  return [`${count} ${count === 1 ? 'finding' : 'findings'} in ${seen}:`, ...each].join('\n');
}

function* rebuiltText(
  { segments, leftOut, differences, former }: Rebuilt,
  tookMs: number,
): Generator<string> {
  yield `Index made anew from ${segments} segments in ${formatDuration(tookMs)}.`;
  for (const { path, detail } of leftOut) yield `left out: ${path}: ${detail}`;
  if (former !== undefined) yield `The former index is kept as ${former}.`;
  if (former !== undefined && differences === undefined)
    yield 'It could not be read, so nothing can be compared.';
  if (differences?.length === 0) yield 'It said the same.';
  for (const difference of differences ?? []) yield differenceText(difference);
}

function differenceText({ kind, missing, added, changed, examples }: Difference): string {
  const parts = [
    ...(missing > 0 ? [`${missing} are gone`] : []),
    ...(added > 0 ? [`${added} are new`] : []),
    ...(changed > 0 ? [`${changed} say something else`] : []),
  ];
  return `${kind}: ${parts.join(', ')}, such as ${examples.join(', ')}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
