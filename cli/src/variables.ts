import { unknownName } from '@banyan/contracts';
import { CommandError } from './output/command-error.ts';

/** Every variable of ours that commands read by its name; `BANYAN_` is ours, and another such name is a mistake. */
export const variables: Readonly<Record<string, string>> = {
  BANYAN_HOME:
    'the state folder; default: `.banyan/` beside banyan.config.ts, or in the current folder without one',
  BANYAN_CONFIG:
    'the declaration; default: the nearest banyan.config.ts from the current folder upwards, else the sample’s',
  BANYAN_STACK: '`embedded` or `kafka`, as --stack',
  BANYAN_BY: 'whom the journal names; default: the name of the account',
  BANYAN_CONTROL_URL:
    'a control plane that others run, for `status`, verbs and `journal`; the token is read from the state folder',
  BANYAN_BROWSER: 'the browser of the browser tests and the built-in customers',
  BANYAN_PASSWORD: "compose: password of Banyan's role; written by script/compose-env.js",
  BANYAN_REGRESSION_ENV: 'addresses that the browser tests run against; set by their start',
};

/** @throws CommandError `variable-unknown` for every `BANYAN_` variable that nobody reads, with the nearest one. */
export function refuseUnknownVariables(env: NodeJS.ProcessEnv = process.env): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('BANYAN_') && !(name in variables));
  if (unknown.length === 0) return;
  throw new CommandError({
    code: 'variable-unknown',
    message: 'Variables that begin with BANYAN_ are ours, and nobody reads these.',
    evidence: unknown.map((name) => unknownName(name, Object.keys(variables))),
    nextSteps: unknown.map((name) => `unset ${name}`),
    exitCode: 2,
  });
}
