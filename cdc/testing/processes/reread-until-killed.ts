// A process for tests: reads two rows of `public.part` again, tells its parent when it has come to a step, and stands
// still there until it is killed. Arguments: URL, slot, publication, bus file, step.
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { createPostgresSource } from '../../src/capture/feed/postgres-source.ts';
import { createRowReread } from '../../src/verify/row-reread.ts';

const [url = '', slot = '', publication = '', busFile = '', wanted] = process.argv.slice(2);
const source = createPostgresSource({ url, slot, publication });
const bus = await openSqliteBus({ file: busFile });
process.on('disconnect', () => process.exit(1));

/** The steps are those of their order: the first read names the keys, the first append opens. */
async function after<T>(steps: string[], work: Promise<T>): Promise<T> {
  const result = await work;
  if (steps.shift() !== wanted) return result;
  process.send?.(wanted);
  setInterval(() => undefined, 60_000); // stays, whatever else ends
  return await new Promise<T>(() => undefined);
}

const [reads, positions, appends] = [['named', 'read'], ['position'], ['opened', 'closed']];
await createRowReread({
  source: {
    readRows: (question, signal) => after(reads, source.readRows(question, signal)),
    takePosition: (signal) => after(positions, source.takePosition(signal)),
    slotStatus: (signal) => source.slotStatus(signal),
    describeTables: (tables, signal) => source.describeTables(tables, signal),
    feedMembership: (tables, signal) => source.feedMembership(tables, signal),
  },
  bus: { append: (records, signal) => after(appends, bus.append(records, signal)) },
  prefix: 'shop',
  feed: { log: bus, slot },
}).readAgain(
  'public.part',
  [
    ['1', 'a'],
    ['2', 'a'],
  ],
  AbortSignal.timeout(60_000),
);
