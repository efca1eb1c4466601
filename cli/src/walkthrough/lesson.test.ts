import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../home.ts';
import { parseLesson } from './lesson.ts';
import { parseProbe } from './probes.ts';

const dir = join(projectRoot, 'docs', 'walkthrough');

test('a lesson without its parts is refused, and all that is missing is named', () => {
  expect(() => parseLesson('09-empty', 'No title.')).toThrow(
    /09-empty.md lacks: a title .*"## Do", .*"## Check", "## What you just saw"/,
  );
});

test('a heading inside a fence is text, not a section', () => {
  const lesson = parseLesson(
    'x',
    '# T\n\nIntro.\n\n## Do\n\n```sh\n## not a section\necho a\n```\n\n## Check\n\n```probe\nshop-answers\n```\n\n## What you just saw\n\nIt.\n',
  );
  expect(lesson.commands).toEqual([{ text: '## not a section\necho a', move: null, isMetered: false }]);
  expect(lesson.question).toBeNull();
});

test('every lesson of the walkthrough can be followed, and its probes exist', () => {
  const files = readdirSync(dir).filter((file) => /^\d\d-.*\.md$/.test(file));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const lesson = parseLesson(file.replace('.md', ''), readFileSync(join(dir, file), 'utf8'));
    for (const probe of lesson.probes) expect(() => parseProbe(probe)).not.toThrow();
  }
});

test('an unknown probe is an error that lists the known ones', () => {
  expect(() => parseProbe('shop-sleeps')).toThrow(/shop-sleeps.*shop-answers/s);
});
