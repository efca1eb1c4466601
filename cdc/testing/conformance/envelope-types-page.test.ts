import { expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { renderEnvelopeTypesPage } from './envelope-types-page.ts';

const page = new URL('../../../docs/reference/envelope-types.md', import.meta.url);

test('the reference page of types is the one that the cases make (WRITE_REFERENCE=1 writes it)', async () => {
  const filepath = fileURLToPath(page);
  const made = await format(renderEnvelopeTypesPage(), { ...(await resolveConfig(filepath)), filepath });
  if (process.env['WRITE_REFERENCE'] === '1') {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, made);
  }
  expect(readFileSync(page, 'utf8')).toBe(made);
});
