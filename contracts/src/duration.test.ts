import { expect, test } from '@jest/globals';
import { formatDuration } from './duration.ts';

test.each([
  [0, '0 ms'],
  [-3, '0 ms'],
  [374.4, '374 ms'],
  [999.6, '1 s'],
  [2_000, '2 s'],
  [2_040, '2.04 s'],
  [12_345, '12.3 s'],
  [119_999, '120 s'],
  [120_000, '2 min'],
  [125_900, '2 min 5 s'],
  [3_600_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [172_800_000, '2 d'],
  [349_200_000, '4 d 1 h'],
])('%d ms reads as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
