// A process for tests: appends batches of ten to one topic and tells its parent each one that was acknowledged.
// Arguments: file, name of the writer, number of batches.
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';

const [file, writer, batches] = process.argv.slice(2);
if (!file || !writer || !batches) throw new Error('usage: append-until-killed FILE WRITER BATCHES');
const bus = await openSqliteBus({ file });
for (let batch = 0; batch < Number(batches); batch += 1) {
  await bus.append(
    Array.from({ length: 10 }, (_, i) => ({
      topic: 'shared',
      key: `${writer} ${batch} ${i}`,
      headers: {},
      value: 'x'.repeat(2_000),
    })),
  );
  process.send?.({ acknowledged: batch });
}
await bus.close();
process.disconnect();
