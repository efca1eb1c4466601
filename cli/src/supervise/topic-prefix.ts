import { existsSync, readFileSync } from 'node:fs';
import { FIRST_TOPIC_PREFIX } from '../config/before-declarations.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { isBegun } from './installation.ts';
import { writeWhole } from './run-state.ts';

const DEFAULT_PREFIX = 'banyan';

/** The prefix that a home was begun with; null before its first start. */
function readTopicPrefix(home: Home): string | null {
  const file = home.file('topic-prefix');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  return isBegun(home) ? FIRST_TOPIC_PREFIX : null;
}

/**
 * First part of every topic, remembered from the first start on: copies and positions are of these topics, and others would
 * hold nothing for them.
 *
 * @throws CommandError `other-topic-prefix` when the home was begun with another one.
 */
export function chooseTopicPrefix(home: Home, asked: string | null): string {
  const begun = readTopicPrefix(home);
  if (begun === null || asked === null || begun === asked) return begun ?? asked ?? DEFAULT_PREFIX;
  throw new CommandError({
    code: 'other-topic-prefix',
    message: `The state in ${home.dir} was begun with the topic prefix "${begun}", and cannot go on with "${asked}".`,
    evidence: ['copies and their positions are of the topics with that prefix'],
    nextSteps: [
      `banyan up # with source.topicPrefix: '${begun}' in banyan.config.ts`,
      'banyan down --erase && banyan up # puts the state aside',
    ],
    exitCode: 3,
  });
}

/** From the first start that came so far on. */
export function rememberTopicPrefix(home: Home, prefix: string): void {
  writeWhole(home.file('topic-prefix'), `${prefix}\n`);
}
