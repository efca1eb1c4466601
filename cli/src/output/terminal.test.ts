import { expect, test } from '@jest/globals';
import { asTyped, duration, percent } from './terminal.ts';

test('commands are shown as people can type them, once', () => {
  expect(asTyped('banyan rollback reviews --reason "x"')).toBe('npx banyan rollback reviews --reason "x"');
  expect(asTyped('wait: banyan status, then npx banyan down')).toBe(
    'wait: npx banyan status, then npx banyan down',
  );
  expect(asTyped('the schema banyan is missing')).toBe('the schema banyan is missing');
});

test('unknown is shown as unknown, never as 0', () => {
  expect(duration(null)).toBe('unknown');
  expect(percent(null)).toBe('unknown');
  expect(percent(0)).toBe('0 %');
});
