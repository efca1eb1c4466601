import { expect, test } from '@jest/globals';
import { openSqliteBus } from '@banyan/cdc/bus';
import { createTestMonolith } from '../../testing/test-monolith.ts';
import { expectTwoSlicesToShare } from '../../testing/two-slices-test-bed.ts';

test('two slices share two reference tables through all phases, one resynced while the other serves', async () => {
  const monolith = await createTestMonolith('two_slices');
  const { SOURCE_URL: url, BUS_FILE, PUBLICATION_NAME: publication } = monolith.feed;
  const bus = await openSqliteBus({ file: BUS_FILE });
  monolith.onClose(() => bus.close());
  try {
    monolith.startReader();
    await expectTwoSlicesToShare({ url, publication, bus, settings: { BUS_FILE } });
    // The group of a slice comes back with it.
    expect((await bus.groups()).map((group) => group.name).sort()).toEqual(['orders', 'reviews']);
  } finally {
    await monolith.close();
  }
}, 300_000);
