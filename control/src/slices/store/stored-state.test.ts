import { expect, test } from '@jest/globals';
import { storedStateSchema } from './stored-state.ts';

test('a copy that was stored before feeds were told apart is of the first incarnation', () => {
  const stored = {
    name: 'reviews',
    epoch: 7,
    salt: 'reviews',
    rolledBack: false,
    paused: null,
    phase: 'syncing',
    copy: { step: 'copying', startedAtMs: 1, snapshotId: 's1' },
  };
  expect(storedStateSchema.parse(stored)).toMatchObject({
    copy: { feed: { incarnation: 1, beganAtMs: null, membership: null } },
  });
});
