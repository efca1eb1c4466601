import { ControlClient } from '../control-client.ts';
import { printJson, style } from '../output/terminal.ts';
import type { Context } from './context.ts';

/** Shows where a request would go and why, asked of the running proxy. */
export async function explain(
  method: string,
  path: string,
  options: { readonly user?: string; readonly visitor?: string },
  context: Context,
): Promise<void> {
  const explanation = await ControlClient.open(context.home, { exact: context.json }).explain({
    method: method.toUpperCase(),
    path,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.visitor === undefined ? {} : { visitor: options.visitor }),
  });
  if (context.json) {
    printJson({ schema_version: 1, ...explanation });
    return;
  }
  const { slice, target, reason, steps, cohort } = explanation;
  console.log(`${method.toUpperCase()} ${path} -> ${style('bold', target)} (${reason})`);
  console.log(`  slice   ${slice ?? 'none'}`);
  for (const { rule, outcome, decided } of steps)
    console.log(`  ${decided ? '->' : '  '} ${rule}: ${outcome}`);
  if (cohort)
    console.log(
      `  cohort  "${cohort.key}" is bucket ${cohort.bucket}; the service takes those below ${cohort.limit}`,
    );
  console.log(`  by ${explanation.proxyId}, routes v${explanation.snapshotVersion}`);
}
