// `npm run lint:prose`: looks for phrases of prose-rules.ts in documents and in the command's texts, and fails for each.
// Not in the changelog and the decisions: they say what was written and decided then.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { proseRules } from './prose-rules.ts';
import { proseOfCode, proseOfMarkdown } from './read-prose.ts';

const root = join(import.meta.dirname, '..');

/** What a text says that it should not, a line each, as `file:line: "phrase": what to write`. */
export function findings(file: string, text: string): string[] {
  const isDocument = file.endsWith('.md');
  const pieces = isDocument ? [proseOfMarkdown(text)] : proseOfCode(text);
  const rules = proseRules.filter(({ only }) => isDocument || only !== 'documents');
  return pieces.flatMap(({ line, text: words }) =>
    rules.flatMap(({ pattern, instead }) =>
      [...words.matchAll(anywhere(pattern))].map(({ 0: found, index }) => {
        const at = line + words.slice(0, index).split('\n').length - 1;
        return `${file}:${at}: "${found.replaceAll(/\s+/g, ' ')}": ${instead}`;
      }),
    ),
  );
}

const anywhere = ({ source }: RegExp): RegExp => new RegExp(source.replaceAll(' ', '\\s+'), 'gi');

/** The texts that are looked at. */
export function proseFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md', 'cli/src/*.ts'];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)))
    .filter((file) => file !== 'CHANGELOG.md' && !file.startsWith('docs/adr/') && !file.endsWith('.test.ts'));
}

if (import.meta.main) {
  const all = proseFiles().flatMap((file) => findings(file, readFileSync(join(root, file), 'utf8')));
  for (const finding of all) console.error(finding);
  if (all.length > 0) process.exitCode = 1;
}
