import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { FIRST_INSTALLATION_ID } from '../config/before-declarations.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { writeWhole } from './run-state.ts';
import { readStack } from './stack-choice.ts';

const ID = /^[a-z0-9_]{1,40}$/;

/**
 * What tells one Banyan from another on the same server: made once, kept in the home.
 *
 * @throws CommandError `installation-unreadable` when what is kept is no id.
 */
function readInstallation(home: Home): string | null {
  const file = home.file('installation');
  if (!existsSync(file)) return isBegun(home) ? FIRST_INSTALLATION_ID : null;
  const id = readFileSync(file, 'utf8').trim();
  if (ID.test(id)) return id;
  throw new CommandError({
    code: 'installation-unreadable',
    message: `${file} holds no id of an installation.`,
    evidence: ['the feed’s replication slot and publication are banyan_<id>; see pg_replication_slots'],
    nextSteps: [`echo <id> > ${file}`],
    exitCode: 3,
  });
}

/** Whether anything was ever started here. */
export function isBegun(home: Home): boolean {
  return readStack(home) !== null || existsSync(home.file('routes-snapshot.json'));
}

/** Makes the id where there is none yet. Before anything is begun in the home. */
export function ensureInstallation(home: Home): void {
  const id = readInstallation(home) ?? randomBytes(4).toString('hex');
  if (!existsSync(home.file('installation'))) writeWhole(home.file('installation'), `${id}\n`);
}

/** Name of the feed's replication slot and of its publication; null before the first start. */
export function feedName(home: Home): string | null {
  const id = readInstallation(home);
  return id === null ? null : `banyan_${id}`;
}
