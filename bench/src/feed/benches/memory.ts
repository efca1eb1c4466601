import { join } from 'node:path';
import { startConsumerProcess } from '../consumer-process.ts';
import { prepareFeed, until } from '../feed.ts';
import type { Line, Measurement } from '../measurement.ts';
import { memoryOf } from '../process-memory.ts';
import { count, type BenchContext } from './bench.ts';

/** The small load: as many rows, in transactions of this many. */
const SMALL_TRANSACTION_ROWS = 100;

/** Peak memory (VmHWM) of reader and consumer: many small transactions, then, in new processes, one with all the rows. */
export async function benchMemory(context: BenchContext): Promise<Measurement> {
  const { sizes } = context;
  const small = await peaks(context, {
    name: 'bench_memory_small',
    rowsPerTransaction: SMALL_TRANSACTION_ROWS,
  });
  const big = await peaks(context, {
    name: 'bench_memory_big',
    rowsPerTransaction: sizes.bigTransactionRows,
  });
  const lines = (['reader', 'consumer'] as const).flatMap((part): Line[] => {
    const baseline = { name: `${part}: transactions of ${SMALL_TRANSACTION_ROWS} rows`, value: small[part] };
    return [
      { ...baseline, unit: 'MiB', ratio: null },
      {
        name: `${part}: one transaction`,
        value: big[part],
        unit: 'MiB',
        ratio: { of: baseline.name, value: big[part] / baseline.value },
      },
    ];
  });
  return {
    name: 'memory',
    title: 'Peak memory',
    sizes: `${count(sizes.bigTransactionRows)} rows in one transaction, beside as many in small ones`,
    lines,
    aim: null,
    notes: [],
  };
}

async function peaks(
  context: BenchContext,
  options: { readonly name: string; readonly rowsPerTransaction: number },
): Promise<{ readonly reader: number; readonly consumer: number }> {
  const { database, folder, sizes } = context;
  await database.empty();
  const feed = await prepareFeed(context, options.name);
  try {
    const storeFile = join(folder, `${options.name}.sqlite`);
    const consumer = await startConsumerProcess({ bus: { file: feed.busFile }, store: { file: storeFile } });
    context.started.push(consumer.child);
    await database.fill(sizes.bigTransactionRows, options.rowsPerTransaction);
    await until('all is applied', async () => (await consumer.appliedOffset()) >= sizes.bigTransactionRows);
    const found = {
      reader: (await memoryOf(feed.reader.pid)).peakMiB,
      consumer: (await memoryOf(consumer.child.pid)).peakMiB,
    };
    for (const child of [consumer.child, feed.reader]) await child.close();
    return found;
  } finally {
    await feed.close();
  }
}
