import { expect, test } from '@jest/globals';
import { Linter } from 'eslint';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** What the rule says of a line in a file, as `npm run lint` has it set for that file. */
function judge(file: string, code: string): number {
  const eslint = join(root, 'node_modules', 'eslint', 'bin', 'eslint.js');
  const printed = execFileSync(process.execPath, [eslint, '--print-config', file], {
    cwd: root,
    encoding: 'utf8',
  });
  const { rules } = JSON.parse(printed) as { rules: Record<string, Linter.RuleEntry> };
  const rule = rules['no-restricted-syntax'] ?? 'off';
  return new Linter().verify(code, [{ rules: { 'no-restricted-syntax': rule } }]).length;
}

test('code that names the sample is refused, in a text, in a template and in a name', () => {
  for (const [code, wanted] of [
    ["const path = 'extracted/reviews/src/main.ts';", 1],
    ["urls.get('shop');", 1],
    ['log(`http://${host}/reviews`);', 1],
    ['startReviews(shopUrl);', 2],
    ['const reviewsSpec = specOf(reviewer, workshop, previews);', 1],
    ["note('A reviewer went shopping.'); // reviews of the shop", 0],
  ] as const) {
    expect([code, judge('cli/src/supervise/processes.ts', code)]).toEqual([code, wanted]);
  }
});

test.each([
  ['control/src/config.ts', 1],
  ['strangler-proxy/src/config.ts', 1],
  ['cdc/src/apply/consumer.ts', 1],
  ['kit/src/config.ts', 1],
  ['cli/src/walkthrough/walk.ts', 0],
  ['monolith/src/main.ts', 0],
  ['extracted/reviews/slice.ts', 0],
])('%s saying one: %d problems', (file, problems) => {
  expect(judge(file, "start('reviews');")).toBe(problems);
});
