/** The built-in customers as a process of their own; see `options.ts` for the command line. */
import { readCustomersCommand, UsageError, type CustomersCommand } from './options.ts';
import { startCustomers } from './run-customers.ts';
import { describeTotals, type Totals } from './tally.ts';

const REPORT_INTERVAL_MS = 1_000;

/** Resolves when it is time to go: a signal, the supervisor gone, or the time is up. */
function whenToStop(durationS: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
    process.on('disconnect', () => resolve());
    // A reader that went away wants no more lines.
    process.stdout.on('error', () => resolve());
    if (durationS !== undefined) setTimeout(resolve, durationS * 1000);
  });
}

async function run(command: CustomersCommand): Promise<void> {
  const report = (event: 'totals' | 'end', totals: Totals) =>
    console.log(command['json-lines'] ? JSON.stringify({ event, ...totals }) : describeTotals(totals));
  const stopping = whenToStop(command['duration-s']);
  const customers = startCustomers({
    url: command.url,
    customers: command.customers,
    seed: command.seed,
    pauseMs: command['pause-ms'],
    deadlineMs: command['deadline-ms'],
  });
  const timer = setInterval(() => report('totals', customers.totals()), REPORT_INTERVAL_MS);
  process.send?.({ kind: 'ready' });
  await stopping;
  clearInterval(timer);
  await customers.close();
  report('end', customers.totals());
}

try {
  await run(readCustomersCommand(process.argv.slice(2)));
  // Its IPC channel would keep this process alive.
  if (process.connected) process.disconnect();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
  if (process.connected) process.disconnect();
}
