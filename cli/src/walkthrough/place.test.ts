import { expect, test } from '@jest/globals';
import { commandsTo, describePlace, parsePlace } from './place.ts';

const kinds = (here: string, there: string) =>
  commandsTo('reviews', parsePlace(here), parsePlace(there)).map((command) =>
    command.replace(/^npx banyan (\w+) reviews(?: --share (\S+))?.*$/, '$1 $2').trim(),
  );

test.each([
  ['syncing', 'syncing', []],
  ['canary 50%', 'canary 50%', []],
  ['canary 25%', 'canary 5%', ['route 5%']],
  ['canary 25%', 'syncing', ['rollback']],
  ['canary 25%', 'monolith', ['rollback', 'rollback']],
  ['syncing', 'monolith', ['rollback']],
  ['syncing', 'canary 50%', ['route 50%']],
  ['monolith', 'syncing', ['advance']],
  ['monolith', 'canary 12.5%', ['advance', 'route 12.5%']],
])('from %s to %s', (here, there, commands) => {
  expect(kinds(here, there)).toEqual(commands);
});

test('a place that is none is an error', () => {
  expect(() => parsePlace('canary half')).toThrow(/canary 50%, got "canary half"/);
  expect(describePlace(parsePlace('canary 5%'))).toBe('canary 5 %');
});
