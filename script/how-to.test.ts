import { expect, test } from '@jest/globals';
import {
  defineSlice,
  parseBanyanConfig,
  SliceDefinitionError,
  type VisitorSettings,
} from '@banyan/contracts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripTypeScriptTypes } from 'node:module';
import { runInNewContext } from 'node:vm';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'docs', 'how-to');
const slice = defineSlice({ name: 'notes', title: 'Notes', routes: [{ path: '/notes' }], tables: [] });
const service = { main: 'notes/main.ts' };

interface Block {
  readonly page: string;
  readonly language: string;
  readonly what: string;
  readonly text: string;
}

const blocks: readonly Block[] = readdirSync(folder).flatMap((page) =>
  [...readFileSync(join(folder, page), 'utf8').matchAll(/^```(\w+) ?(.*)\n([^]*?)^```$/gm)].map(
    ([, language = '', what = '', text = '']) => ({ page, language, what, text }),
  ),
);
const named = (what: string): readonly Block[] => blocks.filter((block) => block.what === what);
/** The value of an expression. */
const valueOf = (text: string): unknown => runInNewContext(stripTypeScriptTypes(text));

test('every piece of code in the how-tos is of a kind that a test looks at', () => {
  const kinds = blocks.map(({ language, what }) =>
    language === 'ts' ? what.replace(/^fixtures\/.*/, 'file') : language,
  );
  expect([...new Set(kinds)].sort()).toEqual(['', 'file', 'refused', 'services', 'sh', 'visitors']);
  expect(named('visitors').length).toBeGreaterThan(4);
});

test('a file that is shown is the one that runs', () => {
  for (const { what, text } of blocks.filter(({ what: path }) => path.startsWith('fixtures/'))) {
    expect(text).toBe(readFileSync(join(root, what), 'utf8'));
  }
});

test('a line that is shown stands in a file that runs', () => {
  const [line] = blocks.filter(({ language, what }) => language === 'ts' && what === '');
  expect(readFileSync(join(root, 'fixtures/express-jwt/banyan.config.ts'), 'utf8')).toContain(
    line?.text.trim(),
  );
});

test.each(named('visitors'))('$page: visitors are read as they are shown: $text', ({ text }) => {
  const visitors = valueOf(text) as Partial<VisitorSettings>;
  const read = parseBanyanConfig({ slices: [{ slice, service }], visitors }).visitors;
  expect(read.identity).toHaveLength(visitors.identity?.length ?? 0);
});

test('the ways to run a service are read as they are shown', () => {
  const [shown] = named('services');
  const services = valueOf(shown?.text ?? '') as readonly object[];
  expect(services).toHaveLength(3);
  for (const each of services) {
    expect(parseBanyanConfig({ slices: [{ slice, service: each }] }).serviceOf['notes']).toMatchObject(each);
  }
});

test('what is said to be refused is, with all its mistakes', () => {
  const [shown] = named('refused');
  const program = (shown?.text ?? '').replace(/^import .*$/m, '').trim();
  try {
    runInNewContext(stripTypeScriptTypes(program), { defineSlice });
    expect('it').toBe('refused');
  } catch (error) {
    expect(error).toBeInstanceOf(SliceDefinitionError);
    expect((error as SliceDefinitionError).problems).toEqual([
      expect.stringMatching(/^name: /),
      expect.stringMatching(/^routes\.0\.path: /),
      expect.stringMatching(/^tables\.0\.source: /),
      expect.stringMatching(/^tables\.0\.columns: key column "id"/),
    ]);
  }
});
