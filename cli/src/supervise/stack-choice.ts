import { existsSync, readFileSync } from 'node:fs';
import { CommandError } from '../output/command-error.ts';
import type { Home } from '../home.ts';
import { writeWhole } from './run-state.ts';

/** `embedded`: bus and reader of our own. `kafka`: Kafka, and Debezium in Kafka Connect. */
export const stackNames = ['embedded', 'kafka'] as const;
export type StackName = (typeof stackNames)[number];

/** The stack that a home was begun on; null before its first start. */
export function readStack(home: Home): StackName | null {
  const file = home.file('stack');
  if (existsSync(file)) {
    const text = readFileSync(file, 'utf8').trim();
    return stackNames.find((name) => name === text) ?? null;
  }
  return existsSync(home.file('bus.sqlite')) ? 'embedded' : null; // begun before there were two
}

/**
 * The stack to start, remembered from the first start on: copies, positions and slot are of one feed, and the other
 * stack would know nothing of them.
 *
 * @throws CommandError `other-stack` when the home was begun on another one.
 */
export function chooseStack(home: Home, asked?: StackName): StackName {
  const begun = readStack(home);
  if (begun !== null && asked !== undefined && begun !== asked) {
    throw new CommandError({
      code: 'other-stack',
      message: `The state in ${home.dir} was begun on the stack "${begun}", and cannot go on with "${asked}".`,
      evidence: ['copies and their positions are of that stack’s feed'],
      nextSteps: [
        `banyan up --stack ${begun}`,
        `BANYAN_HOME=.banyan-${asked} banyan up --stack ${asked} # beside it`,
        `banyan down --erase && banyan up --stack ${asked} # puts the state aside`,
      ],
      exitCode: 3,
    });
  }
  return begun ?? asked ?? 'embedded';
}

/** From the first start that came so far on. */
export function rememberStack(home: Home, stack: StackName): void {
  writeWhole(home.file('stack'), `${stack}\n`);
}
