import { expect, test } from '@jest/globals';
import { meterLine, type Counts } from './meter.ts';

const counts = (byService: number, byMonolith: number, inItsPlace: number): Counts => ({
  byService,
  byMonolith,
  inItsPlace,
  errors: 0,
});

test('a line shows what happened since the one before, and who answered for whom', () => {
  const line = meterLine(2, 'restarting', { before: counts(10, 20, 1), now: counts(12, 26, 5) });
  expect(line).toMatch(/^ 2 s {2}service restarting {2}by the service ▇▇ 2 +by the monolith ▇{6} 6 \(4 in/);
  expect(line).toMatch(/customers' errors 0$/);
});

test('a proxy that counts anew gives no negative figures, and what is unknown is not 0', () => {
  const line = meterLine(3, 'ready', {
    before: counts(10, 20, 1),
    now: { ...counts(0, 0, 0), errors: null },
  });
  expect(line).toMatch(/by the service {2}0 .*by the monolith {2}0 {2}customers' errors unknown$/);
});
