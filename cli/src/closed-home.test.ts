import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseOpenHome } from './closed-home.ts';
import { openHome } from './home.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'banyan home '));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

test.each([0o755, 0o750, 0o770, 0o744, 0o702])('a home of mode %o is refused, with the command', (mode) => {
  chmodSync(dir, mode);
  expect(() => refuseOpenHome(openHome({ BANYAN_HOME: dir }))).toThrow(
    expect.objectContaining({ code: 'home-open', nextSteps: [`chmod 700 '${dir}'`], exitCode: 3 }),
  );
});

test('a closed home is taken, and one that does not exist yet', () => {
  chmodSync(dir, 0o700);
  refuseOpenHome(openHome({ BANYAN_HOME: dir }));
  refuseOpenHome(openHome({ BANYAN_HOME: join(dir, 'not-yet') }));
});
