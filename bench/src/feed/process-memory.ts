import { readFile } from 'node:fs/promises';

/** Resident memory of a process as Linux counts it. */
export interface ProcessMemory {
  /** Now (VmRSS). */
  readonly residentMiB: number;
  /** The most that it ever was (VmHWM). */
  readonly peakMiB: number;
}

/** @throws Error on other systems than Linux, and when there is no such process. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kib === undefined)
      throw new Error(`/proc/${pid}/status has no ${name}: memory is measured on Linux only.`);
    return Number(kib) / 1_024;
  };
  return { residentMiB: mebibytes('VmRSS'), peakMiB: mebibytes('VmHWM') };
}
