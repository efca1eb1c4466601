import { expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { renderDifferencesPage } from './differences-page.ts';

const page = new URL('../../../docs/reference/envelope-differences.md', import.meta.url);

test('the reference page of differences is the one that the suite accepts (WRITE_REFERENCE=1 writes it)', async () => {
  const filepath = fileURLToPath(page);
  const made = await format(renderDifferencesPage(), { ...(await resolveConfig(filepath)), filepath });
  if (process.env['WRITE_REFERENCE'] === '1') {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, made);
  }
  expect(readFileSync(page, 'utf8')).toBe(made);
});
