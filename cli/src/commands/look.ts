import type { Context } from './context.ts';
import { CommandError } from '../output/command-error.ts';
import { style } from '../output/terminal.ts';
import { readRunState } from '../supervise/run-state.ts';
import { openWindowOf } from '../tester/window-of-home.ts';

/** Opens the tester's window on the shop, and keeps it open until Ctrl-C. */
export async function lookThrough(options: { readonly port?: number }, context: Context): Promise<void> {
  if (!readRunState(context.home)) {
    throw new CommandError({
      code: 'not-running',
      message: 'There is nothing to look at: Banyan does not run here.',
      nextSteps: ['banyan up'],
      exitCode: 3,
    });
  }
  const window = await openWindow(context, options.port);
  if (context.json) console.log(JSON.stringify({ schema_version: 1, url: window.url, next_steps: [] }));
  else {
    console.log(`the site, with a badge that says who answered: ${style('bold', window.url)}`);
    console.log(style('dim', 'Ctrl-C closes it; the site goes on.'));
  }
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  await window.close();
}

async function openWindow({ home }: Context, port?: number) {
  try {
    return await openWindowOf(home, port);
  } catch (cause) {
    throw new CommandError({
      code: 'port-taken',
      message: `The window cannot be opened at port ${port ?? 'of its own'}.`,
      evidence: [cause instanceof Error ? cause.message : String(cause)],
      nextSteps: ['banyan look'],
      exitCode: 3,
      cause,
    });
  }
}
