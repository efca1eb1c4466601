import { expect, test } from '@jest/globals';
import { CommandError } from '../output/command-error.ts';
import { readHealthConfig } from './health-config.ts';
import { watchHealth } from './health-watch.ts';

/** Watches something that gives these answers, one after another; the last one again and again. */
async function watch(answers: readonly (boolean | 'asleep')[], limitMs: number): Promise<string[]> {
  const said: string[] = [];
  const stopped = new AbortController();
  const asked = [...answers];
  await watchHealth(
    {
      ask: async () => {
        const answer = asked.shift();
        if (asked.length === 0) stopped.abort();
        if (answer !== 'asleep') return answer ?? false;
        const untilMs = performance.now() + 60;
        while (performance.now() < untilMs); // as if the machine had slept
        return Promise.resolve(false);
      },
      limitMs,
      everyMs: 1,
      deadlineMs: 20,
      onSilent: (silentMs) => said.push(silentMs === null ? 'answers' : 'silent'),
      onHung: () => said.push('hung'),
    },
    stopped.signal,
  );
  return said;
}

test('two lost questions are no hanging, three are once the limit is over', async () => {
  expect(await watch([true, false, false, true, true], 1)).toEqual(['silent', 'silent', 'answers']);
  expect(await watch([false, false, false, false, true, true], 1)).toEqual([
    'silent',
    'silent',
    'silent',
    'hung',
  ]);
  expect(await watch([false, false, false, false, false], 0)).toEqual([
    'silent',
    'silent',
    'silent',
    'silent',
  ]);
});

test('a sleep of our own begins the count anew', async () => {
  expect(await watch([false, false, 'asleep', false, false, true, true], 1)).toEqual([
    ...['silent', 'silent', 'answers', 'silent', 'silent', 'answers'],
  ]);
});

test('settings that are wrong are named, all of them', () => {
  expect(readHealthConfig({}, {})).toEqual({ restartAfterMs: 30_000, monolithRestartAfterMs: 120_000 });
  expect(readHealthConfig({ restartAfterMs: 5 }, { MONOLITH_RESTART_AFTER_MS: '7' })).toEqual({
    restartAfterMs: 5,
    monolithRestartAfterMs: 7,
  });
  try {
    readHealthConfig({}, { HEALTH_RESTART_AFTER_MS: 'soon', MONOLITH_RESTART_AFTER_MS: '-1' });
    expect('it').toBe('refused');
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).evidence).toHaveLength(2);
  }
});
