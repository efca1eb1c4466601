import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findings, proseFiles } from './lint-prose.ts';
import { proseRules } from './prose-rules.ts';

const root = join(import.meta.dirname, '..');

/** A sentence that each rule refuses, in the order of the rules. */
const refused = [
  'The copy is made anew.',
  'A command mends it.',
  'It puts the connector right.',
  'Skip lets the record go.',
  'The service shows the records that are held.',
  'The monolith had better answer.',
  'No port is to be had.',
  'It says so, so that nobody waits.',
  'A powerful proxy.',
  'It simply works.',
  'It utilizes the bus.',
  'It waits in order to answer.',
];

describe('the prose linter', () => {
  test('refuses a sentence for each rule, with its place and what to write', () => {
    expect(refused).toHaveLength(proseRules.length);
    for (const [index, sentence] of refused.entries()) {
      const found = findings('docs/page.md', `# Title\n\n${sentence}\n`);
      expect(found).toEqual([expect.stringMatching(/^docs\/page\.md:3: "/)]);
      expect(found[0]).toContain(proseRules[index]?.instead);
    }
  });

  test('finds a phrase over two lines, and one in a text of the command', () => {
    expect(findings('docs/page.md', 'A lie in\norder to.')).toEqual(['docs/page.md:1: "in order to": to']);
    expect(findings('cli/src/a.ts', '// of course\nsay(`${name} had better ${verb}`);')).toEqual([
      'cli/src/a.ts:2: "had better": should',
    ]);
  });

  test('does not read code, names of things and targets of links', () => {
    const page = 'See `mend` in [the text](mend.md).\n\n```sh\nbanyan mend\n```\n\nRequests are kept.\n';
    expect(findings('docs/page.md', page)).toEqual([]);
    expect(findings('cli/src/a.ts', "import 'simply';\nuse(simply);")).toEqual([]);
  });

  test('reads the documents that a newcomer meets, and the command', () => {
    expect(proseFiles()).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/walkthrough/01-the-shop.md',
        'cli/README.md',
        'cli/src/main.ts',
      ]),
    );
    expect(proseFiles()).not.toContain('CHANGELOG.md');
  });

  test('runs as `npm run lint:prose`', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const [, ...args] = scripts['lint:prose']?.split(' ') ?? [];
    expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })).toBe('');
  });
});
