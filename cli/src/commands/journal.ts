import { ControlClient } from '../control-client.ts';
import { gatesText } from '../output/status-text.ts';
import { printJson, style } from '../output/terminal.ts';
import type { Context } from './context.ts';

/** Who did what to which slice, when, why, and on what evidence; oldest first. */
export async function journal(
  slice: string | undefined,
  options: { readonly limit?: number; readonly evidence?: boolean },
  context: Context,
): Promise<void> {
  const entries = await ControlClient.open(context.home, { exact: context.json }).journal({
    limit: String(options.limit ?? 50),
    ...(slice === undefined ? {} : { slice }),
  });
  if (context.json) {
    printJson({ schema_version: 1, entries, next_steps: ['banyan status'] });
    return;
  }
  if (entries.length === 0) console.log('The journal is empty: no slice was moved yet.');
  for (const { id, atMs, slice: name, by, verb, from, to, reason, evidence } of entries) {
    const when = new Date(atMs).toISOString().replace('T', ' ').slice(0, 19);
    console.log(
      `${id}  ${when}  ${style('bold', name)}  ${verb}: ${from} -> ${to}  by ${by}${reason ? `  "${reason}"` : ''}`,
    );
    if (options.evidence && evidence.length > 0) console.log(gatesText(evidence));
  }
}
