// A process for tests: keeps a copy of the test slice until it is killed, and tells its parent what is applied.
// Arguments: bus file, and the store: a file, or a URL of PostgreSQL.
import { createLogger } from '@banyan/kit';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { notesSlice, openNotes } from '../beds/consumer-test-bed.ts';
import { startConsumer } from '../../src/apply/consumer.ts';
import { createPostgresApplyStore } from '../../src/apply/stores/postgres/postgres-apply-store.ts';
import { openPostgresStore } from '../beds/postgres-test-bed.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';

const [busFile, address] = process.argv.slice(2);
if (!busFile || !address) throw new Error('usage: consume-until-killed BUS STORE');
const consumer = await startConsumer({
  slice: notesSlice,
  group: 'notes',
  bus: await openSqliteBus({ file: busFile }),
  store: address.startsWith('postgres')
    ? createPostgresApplyStore({ knex: openPostgresStore(address) })
    : createSqliteApplyStore({ knex: await openNotes(address) }),
  prefix: 'shop',
  logger: createLogger('consumer'),
});
setInterval(() => process.send?.(consumer.report()), 5);
process.on('disconnect', () => process.exit(1));
