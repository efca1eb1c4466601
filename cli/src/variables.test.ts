import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { projectRoot } from './home.ts';
import { refuseUnknownVariables, variables } from './variables.ts';

test('a variable of ours that nobody reads is refused with the one that was meant, all at once', () => {
  refuseUnknownVariables({ BANYAN_HOME: 'x', PATH: 'y', MY_BANYAN_THING: 'z' });
  expect(() => refuseUnknownVariables({ BANYAN_HOEM: 'x', BANYAN_STAK: 'kafka' })).toThrow(
    expect.objectContaining({
      code: 'variable-unknown',
      exitCode: 2,
      evidence: [
        expect.stringContaining('"BANYAN_HOEM" is not known; did you mean "BANYAN_HOME"?'),
        expect.stringContaining('"BANYAN_STAK" is not known; did you mean "BANYAN_STACK"?'),
      ],
    }),
  );
});

test('the table holds every one that the code reads, and no other', () => {
  const found = execFileSync(
    'git',
    ['grep', '-ohE', '\\bBANYAN_[A-Z_]+\\b', '--', '*.ts', '*.js', '*.yml', ':!*.test.ts'],
    {
      cwd: projectRoot,
      encoding: 'utf8',
    },
  );
  const names = new Set(found.trim().split('\n'));
  names.delete('BANYAN_');
  expect([...names].sort()).toEqual(Object.keys(variables).sort());
});
