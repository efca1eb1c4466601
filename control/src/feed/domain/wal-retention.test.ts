import { expect, test } from '@jest/globals';
import { judgeKeptWal } from './wal-retention.ts';

const MIB = 1_048_576;

test.each([
  ['no limit, little', 10, null, null, 'reserved', 'ok'],
  ['no limit, the setting reached', 100, null, null, 'extended', 'warning'],
  ['no limit, four times the setting', 400, null, null, 'extended', 'danger'],
  ['a limit, half of it', 32, 64, 32, 'reserved', 'warning'],
  ['a limit, four fifths of it', 52, 64, 12, 'extended', 'danger'],
  ['a limit far away, the setting reached', 100, 1_000, 900, 'reserved', 'warning'],
  ['a limit, little', 10, 64, 54, 'reserved', 'ok'],
  ['what the server no longer promises', 10, 64, -1, 'unreserved', 'danger'],
  ['what is gone', null, 64, null, 'lost', 'lost'],
  ['what could not be asked', null, null, null, null, 'unknown'],
] as const)('%s', (_what, keptMib, maxMib, safeMib, walStatus, level) => {
  const bytes = (mib: number | null): number | null => (mib === null ? null : mib * MIB);
  const verdict = judgeKeptWal(
    { retainedWalBytes: bytes(keptMib), safeWalBytes: bytes(safeMib), walStatus },
    { maxSlotWalKeepBytes: bytes(maxMib), warnBytes: 100 * MIB },
  );
  expect(verdict.level).toBe(level);
});

test('says by which limit it is measured', () => {
  const limits = { maxSlotWalKeepBytes: 64 * MIB, warnBytes: 1_024 * MIB };
  const kept = { retainedWalBytes: 52 * MIB, safeWalBytes: 12 * MIB, walStatus: 'extended' };
  expect(judgeKeptWal(kept, limits).text).toBe(
    '52 MiB of WAL kept of at most 64 MiB, 12 MiB more before the slot is at risk',
  );
});
