import { ControlClient } from '../control-client.ts';
import { printJson, style } from '../output/terminal.ts';
import type { Context } from './context.ts';

export interface ExplainOptions {
  /** A signed-in customer's id. */
  readonly user?: string;
  /** The cookie of a visitor who is not signed in. */
  readonly visitor?: string;
  /** What tells a client without cookies apart, as he sends it. Without any of these it is a new visitor. */
  readonly key?: string;
  /** He wrote just now. */
  readonly pinned?: boolean;
  /** The side that an authorised header asks for. */
  readonly override?: 'monolith' | 'service';
}

/** Shows where a request would go and why, asked of the running proxy. */
export async function explain(
  method: string,
  path: string,
  options: ExplainOptions,
  context: Context,
): Promise<void> {
  const explanation = await ControlClient.open(context.home, { exact: context.json }).explain({
    method: method.toUpperCase(),
    path,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.visitor === undefined ? {} : { visitor: options.visitor }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.pinned ? { pinned: 'true' } : {}),
    ...(options.override === undefined ? {} : { override: options.override }),
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
  const isAnybody = [options.user, options.visitor, options.key].every((given) => given === undefined);
  if (isAnybody && slice !== null) {
    console.log(
      '  for a new visitor; for one that you know: --user <id>, --visitor <banyan_visitor cookie> or --key <value>',
    );
  }
  if (cohort)
    console.log(
      `  cohort  "${cohort.key}" is bucket ${cohort.bucket}; the service takes those below ${cohort.limit}`,
    );
  console.log(`  by ${explanation.proxyId}, routes v${explanation.snapshotVersion}`);
}
