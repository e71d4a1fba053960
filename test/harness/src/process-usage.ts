import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: what `/proc` counts CPU time in, on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;

/** Seconds of CPU time that a process has used, its threads included, its children not. */
export function cpuSeconds(pid: number): number {
  // The command's name may hold spaces and brackets; the numbers begin behind its last bracket.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SEC;
}

/** Megabytes of memory that a process holds. */
export function residentMb(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

/** The processes that a process has started itself, whichever of its threads did so. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter(Boolean)
    .map(Number);
}
