import { CommandError } from '../output/command-error.ts';
import { readRunState } from '../supervise/run-state.ts';
import type { Context } from './context.ts';

/** Prints the number of a running process, and nothing else. */
export function printPid(name: string, context: Context): void {
  const processes = readRunState(context.home)?.processes ?? [];
  const pid = processes.find((each) => each.name === name)?.pid ?? null;
  if (pid === null) {
    const names = processes.map((each) => each.name).join(', ');
    throw new CommandError({
      code: 'no-such-process',
      message: `No process "${name}" runs.`,
      evidence: [names ? `there are: ${names}` : 'nothing runs here'],
      nextSteps: ['banyan status'],
      exitCode: processes.length > 0 ? 2 : 3,
    });
  }
  console.log(context.json ? JSON.stringify({ schema_version: 1, name, pid }) : String(pid));
}
