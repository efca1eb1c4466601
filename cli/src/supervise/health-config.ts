import type { Limits } from '@banyan/contracts';
import { ConfigError, readConfig, type ConfigOf } from '@banyan/kit';
import { z } from 'zod';
import { CommandError } from '../output/command-error.ts';
import { limitsEnv } from './limits-env.ts';

const silence = (byDefault: number): z.ZodType<number> =>
  z.coerce.number().int().nonnegative().default(byDefault);

/** When the supervisor of `banyan up` restarts a process that runs but does not answer. */
export const healthConfigTable = {
  restartAfterMs: {
    env: 'HEALTH_RESTART_AFTER_MS',
    schema: silence(30_000),
    text: "silence after which one of Banyan's own processes is restarted, in milliseconds; 0 for never",
  },
  monolithRestartAfterMs: {
    env: 'MONOLITH_RESTART_AFTER_MS',
    // A monolith may think long over one request, and knows why.
    schema: silence(120_000),
    text: 'the same for the monolith',
  },
} as const;

export type HealthConfig = ConfigOf<typeof healthConfigTable>;

/** @throws CommandError `config-invalid` that names every wrong setting. */
export function readHealthConfig(limits: Limits, env = process.env): HealthConfig {
  try {
    return readConfig(healthConfigTable, limitsEnv(limits, 'supervisor', env));
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new CommandError({
      code: cause.code,
      message: 'The settings of the supervisor are not valid.',
      cause,
      evidence: cause.problems,
      nextSteps: ['banyan up'],
      exitCode: 2,
    });
  }
}
