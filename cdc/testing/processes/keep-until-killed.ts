// A process for tests: keeps a bus without a pause until it is killed.
// Arguments: file.
import { silentLogger } from '@banyan/kit';
import { startBusKeeper } from '../../src/bus/retention/bus-keeper.ts';
import { createRetention } from '../../src/bus/retention/retention.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';

const [file] = process.argv.slice(2);
if (!file) throw new Error('usage: keep-until-killed FILE');
const bus = await openSqliteBus({ file, check: true });
await startBusKeeper({
  bus,
  retention: createRetention({ appliedMs: 0, others: {} }),
  logger: silentLogger,
  intervalMs: 0,
  maxBytes: 2 ** 30,
  warnBytes: 2 ** 29,
});
process.send?.('keeping');
process.on('disconnect', () => process.exit(1));
