/** The mixed transactions through the embedded reader and bus. */
import { OpenParts } from '@banyan/kit';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { startReader } from '../../src/capture/reader/reader.ts';
import { tableSnapshotProgress } from '../../src/capture/table-snapshot/table-snapshot-progress.ts';
import { createFolder } from '../beds/consumer-test-bed.ts';
import { createTestBed, eventually, PREFIX } from '../beds/reader-test-bed.ts';
import { testMixed, type MixedFeed } from './mixed-cases.ts';

async function startEmbedded(url: string): Promise<MixedFeed> {
  const parts = new OpenParts();
  const folder = await createFolder();
  parts.add({ close: () => folder.remove() });
  const bed = parts.add(await createTestBed('mixed', url));
  const { source } = bed;
  const bus = parts.add(await openSqliteBus({ file: folder.file('bus.sqlite') }));
  parts.add(await startReader(bed.reader(bus)));
  return {
    bed,
    source,
    bus,
    async snapshot(tables) {
      const signal = AbortSignal.timeout(120_000);
      const id = await source.requestTableSnapshot(tables, signal);
      await eventually(`the table snapshot ${id}`, async () =>
        (await tableSnapshotProgress(bus, PREFIX, signal)).some(
          (one) => one.id === id && one.state === 'completed',
        ),
      );
    },
    close: () => parts.close(),
  };
}

testMixed(startEmbedded);
