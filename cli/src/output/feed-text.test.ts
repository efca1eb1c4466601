import { expect, test } from '@jest/globals';
import { feedLines } from './feed-text.ts';

const feed = {
  state: 'running' as const,
  error: null,
  slot: 'banyan',
  slotActive: true,
  heardAgeMs: 20,
  retainedWalBytes: 1,
  confirmedPosition: '0/1',
  walPosition: '0/20',
  storedPosition: '0/10',
  backlogBytes: 16,
  safeWalBytes: null,
  maxSlotWalKeepBytes: null,
  otherSlots: [],
  incarnation: 1,
  incarnationReason: 'the feed was begun',
  incarnationAtMs: 1,
  bus: null,
  outbox: null,
  retention: { level: 'ok' as const, text: '1 MiB of WAL kept' },
};
const text = (changes: Partial<Parameters<typeof feedLines>[0]>): string =>
  feedLines({ ...feed, ...changes }).join('\n');

test('says how far the WAL is stored, and nothing of kept WAL while that is no reason to worry', () => {
  expect(text({})).toBe('             stored up to 0/10 of 0/20, 16 B of WAL not on the bus');
  expect(text({ storedPosition: null, backlogBytes: null })).toContain(
    'stored up to unknown of 0/20, unknown',
  );
});

test('names the command that frees kept WAL, by whether somebody reads it', () => {
  const retention = { level: 'danger' as const, text: '52 MiB of WAL kept of at most 64 MiB' };
  expect(text({ retention })).toMatch(/DANGER 52 MiB.*\n.*banyan doctor/);
  expect(text({ retention, slotActive: false })).toMatch(/banyan up.*banyan feed drop --reason/);
});

test('names slots of others that nobody reads', () => {
  const kept = { name: 'old', database: 'shop', retainedWalBytes: 5, inactiveMs: 7_200_000 };
  const quiet = { ...kept, retention: { level: 'ok' as const, text: '5 MiB of WAL kept' } };
  expect(text({ otherSlots: [quiet] })).toContain('slot old: nobody has read it for 2 h, 5 MiB of WAL kept');
  const loud = { ...kept, retention: { level: 'warning' as const, text: '2,000 MiB of WAL kept' } };
  expect(text({ otherSlots: [loud] })).toMatch(/WARNING slot old.*\n.*banyan feed drop --slot old --reason/);
});
