import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome, type Home } from '../home.ts';
import { chooseStack, rememberStack } from './stack-choice.ts';

let home: Home;
beforeEach(() => {
  home = openHome({ BANYAN_HOME: mkdtempSync(join(tmpdir(), 'banyan-home-')) });
});
afterEach(() => rmSync(home.dir, { recursive: true, force: true }));

test('a new home takes what is asked for, embedded when nothing is', () => {
  expect(chooseStack(home)).toBe('embedded');
  expect(chooseStack(home, 'kafka')).toBe('kafka');
});

test('a home goes on with the stack that it was begun on, and refuses the other one with what to do', () => {
  rememberStack(home, 'kafka');
  expect(chooseStack(home)).toBe('kafka');
  expect(chooseStack(home, 'kafka')).toBe('kafka');
  expect(() => chooseStack(home, 'embedded')).toThrow(
    expect.objectContaining({
      code: 'other-stack',
      nextSteps: expect.arrayContaining([
        'banyan up --stack kafka',
        expect.stringContaining('banyan down --erase'),
      ]) as unknown,
    }),
  );
});

test('a home of a version that knew one stack only is embedded', () => {
  writeFileSync(home.file('bus.sqlite'), '');
  expect(() => chooseStack(home, 'kafka')).toThrow('begun on the stack "embedded"');
});
