import { ControlClient } from '../control-client.ts';
import { asTyped, printJson } from '../output/terminal.ts';
import { outboxText } from '../output/status-text.ts';
import { whoami, type Context } from './context.ts';

/** Asks for the outbox again after it was taken out of the feed. Exit code 1 while something still keeps it out. */
export async function feedReadmit(options: { readonly reason: string }, context: Context): Promise<void> {
  const { reason } = options;
  const client = ControlClient.open(context.home, { exact: context.json });
  const answer = await client.readmitOutbox({ by: whoami(), reason });
  if (answer.outbox.problem !== null) process.exitCode = 1;
  if (context.json) {
    printJson(answer);
    return;
  }
  console.log(outboxText(answer.outbox));
  console.log(asTyped(`next: ${answer.next_steps.join('  ·  ')}`));
}
