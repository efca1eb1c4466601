import { expect, test } from '@jest/globals';
import type { Measurement } from '../feed/measurement.ts';
import { barsOf } from './bars.ts';

const measurement: Measurement = {
  name: 'source',
  title: 'Source & bus',
  sizes: '10 rows',
  lines: [
    { name: 'Debezium', value: 5_000, unit: 'rows/s', ratio: null },
    { name: 'embedded <reader>', value: 20_000, unit: 'rows/s', ratio: null },
    { name: 'lag', value: 12.34, unit: 'ms', ratio: null },
  ],
  aim: null,
  notes: [],
};

test('a panel for each unit, bars to its scale, every figure as text, and words for those who do not see it', () => {
  const svg = barsOf([measurement]);
  expect([...svg.matchAll(/width="(\d+)" height="16"/g)].map(([, width]) => Number(width))).toEqual([
    95, 380, 380,
  ]);
  for (const text of ['Source &amp; bus, rows/s', 'Source &amp; bus, ms', 'embedded &lt;reader&gt;'])
    expect(svg).toContain(`>${text}<`);
  for (const figure of ['5,000', '20,000', '12.3']) expect(svg).toContain(`>${figure}<`);
  expect(svg).toMatch(/role="img" aria-labelledby="title desc"/);
  expect(svg).toMatch(/<title id="title">.+<\/title>\n<desc id="desc">.+<\/desc>/);
});

test('nothing measured draws no broken bar', () => {
  const [line] = measurement.lines;
  const svg = barsOf([{ ...measurement, lines: line ? [{ ...line, value: 0 }] : [] }]);
  expect(svg).not.toContain('NaN');
});
