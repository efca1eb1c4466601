import { expect, test } from '@jest/globals';
import { addToConfig, type ConfigEntry } from './config-line.ts';

const entry: ConfigEntry = {
  exported: 'stockSlice',
  file: './extracted/stock/slice.ts',
  element: "{ slice: stockSlice, service: { main: 'm.ts' } }",
  tall: ['{', '  slice: stockSlice,', '}'],
  needs: [],
};
const config = (slices: string): string =>
  `import { defineConfig } from '@banyan/contracts';
import { firstSlice } from './first.ts';

// slices: [none here]
export default defineConfig({
  monolith: { urls: ['slices: ['] },
  ${slices}
});
`;
const IMPORT =
  "import { firstSlice } from './first.ts';\nimport { stockSlice } from './extracted/stock/slice.ts';\n";

test.each([
  ['slices: [],', `slices: [\n    ${entry.element},\n  ],`],
  ['slices: [{ slice: firstSlice }],', `slices: [\n    { slice: firstSlice },\n    ${entry.element},\n  ],`],
  [
    'slices: [\n    { slice: firstSlice }, // the first\n  ],',
    `slices: [\n    { slice: firstSlice }, // the first\n    ${entry.element},\n  ],`,
  ],
  [
    "slices: [\n    { slice: firstSlice, a: [']'] } // no comma ]\n  ],",
    `slices: [\n    { slice: firstSlice, a: [']'] }, // no comma ]\n    ${entry.element},\n  ],`,
  ],
])('adds a line to %j', (before, after) => {
  const added = addToConfig(config(before), entry);
  expect(added).toContain(after);
  expect(added).toContain(IMPORT);
  expect(added).toContain("urls: ['slices: [']");
  expect(addToConfig(added ?? '', entry)).toBe(added);
});

test('takes what the line needs from contracts, once', () => {
  const added = addToConfig(config('slices: [],'), { ...entry, needs: ['fromEnv'] }) ?? '';
  expect(added).toContain("import { defineConfig, fromEnv } from '@banyan/contracts';");
  const other = { ...entry, file: './other.ts', exported: 'other', needs: ['fromEnv'] };
  expect(addToConfig(added, other)?.match(/fromEnv/g)).toHaveLength(1);
});

test('a line that would be too long becomes several', () => {
  const added = addToConfig(config('slices: [],'), { ...entry, element: 'x'.repeat(110) });
  expect(added).toContain('slices: [\n    {\n      slice: stockSlice,\n    },\n  ],');
});

test.each([
  ['no list', 'slices: all,'],
  ['two lists', 'slices: [], other: { slices: [] },'],
  ['a list that does not close', 'slices: [,'],
])('does not guess: %s', (_what, slices) => {
  expect(addToConfig(config(slices), entry)).toBeNull();
});

test('does not guess where contracts are not imported', () => {
  expect(addToConfig('export default { slices: [] };', entry)).toBeNull();
});
