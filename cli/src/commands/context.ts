import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { refuseOpenHome } from '../closed-home.ts';
import { openHome, type Home } from '../home.ts';

/** What every command gets. */
export interface Context {
  readonly home: Home;
  readonly json: boolean;
}

/** Options that every command has; see `addCommonOptions`. */
interface CommonOptions {
  readonly json?: boolean;
}

/** `--json`, `--no-color`: the same words for every command. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON (schema_version 1) instead of text')
    .option('--no-color', 'no colour, also by NO_COLOR=1 or when not a terminal');
}

/** @throws CommandError `home-open` when others can look into the state folder. */
export function contextOf(options: CommonOptions): Context {
  const home = openHome();
  refuseOpenHome(home);
  return { home, json: options.json ?? false };
}

/** Who the journal names: `BANYAN_BY`, else the account's name. */
export function whoami(): string {
  return process.env['BANYAN_BY'] ?? userInfo().username;
}
