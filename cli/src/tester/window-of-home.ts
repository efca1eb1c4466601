import { ControlClient } from '../control-client.ts';
import type { Home } from '../home.ts';
import { readRunState } from '../supervise/run-state.ts';
import { readSecret } from '../supervise/secrets.ts';
import { openTesterWindow, type TesterWindow, type WindowedSite } from './window.ts';

/** A window on the site of a home, whether it runs already or is started later. */
export async function openWindowOf(home: Home, port?: number): Promise<TesterWindow> {
  let slices: readonly string[] = [];
  const learn = async (): Promise<void> => {
    const report = await ControlClient.open(home).status(AbortSignal.timeout(5_000));
    slices = report.slices.map(({ name }) => name);
  };
  let learning: Promise<void> | null = null;
  const site = (): WindowedSite | null => {
    const run = readRunState(home);
    if (!run) return null;
    // Only the links that choose a side need them; tried again at the next page while control is away.
    if (slices.length === 0)
      learning ??= learn()
        .catch(() => undefined)
        .finally(() => (learning = null));
    return { url: run.publicUrl, overrideToken: readSecret(home, 'override.token'), slices };
  };
  site();
  return openTesterWindow({ site, ...(port === undefined ? {} : { port }) });
}
