import { ControlClient } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { keylessReads, keylessText } from '../output/keyless-text.ts';
import { readRunState } from '../supervise/run-state.ts';
import type { Context } from './context.ts';

/** From this share of reads on it is worth naming what these clients send. */
const WARN_SHARE = 0.01;

/** One finding a slice on clients that nothing tells apart; none while the control plane does not answer. */
export async function checkClients(context: Context): Promise<
  {
    readonly check: string;
    readonly verdict: 'ok' | 'warning';
    readonly got: string;
    readonly remedy: string | null;
  }[]
> {
  if (!readRunState(context.home)) return [];
  try {
    const report = await ControlClient.open(context.home).status(AbortSignal.timeout(5_000));
    return report.slices.map(({ name }) => {
      const seen = keylessReads(report, name);
      const isRare = seen.withoutKey <= seen.reads * WARN_SHARE;
      return {
        check: `clients of ${name}`,
        verdict: isRare ? 'ok' : 'warning',
        got: seen.reads === 0 ? 'none seen yet' : keylessText(seen),
        remedy: isRare
          ? null
          : 'say in banyan.config.ts, visitors.keys, what they send (strangler-proxy/README.md)',
      };
    });
  } catch (error) {
    if (error instanceof CommandError) return []; // the other checks say that it does not answer
    throw error;
  }
}
