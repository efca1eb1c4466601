import type { Limits } from '@banyan/contracts';
import { inherited } from './node-spec.ts';

type Limit = Exclude<keyof Limits, 'gates'>;
type Reader = 'reader' | 'control' | 'supervisor';

/** Limits of the declaration, the variable that each is for a process, and which process reads it. */
export const limitVariables: Readonly<Record<Limit, { readonly env: string; readonly process: Reader }>> = {
  busMaxBytes: { env: 'BUS_MAX_BYTES', process: 'reader' },
  busWarnRatio: { env: 'BUS_WARN_RATIO', process: 'reader' },
  busKeepAppliedMs: { env: 'BUS_KEEP_APPLIED_MS', process: 'reader' },
  retainedWalWarnBytes: { env: 'RETAINED_WAL_WARN_BYTES', process: 'control' },
  verifyMaxRowsPerSecond: { env: 'VERIFY_MAX_ROWS_PER_SECOND', process: 'control' },
  verifyPageRows: { env: 'VERIFY_PAGE_ROWS', process: 'control' },
  verifyMaxServiceLatencyMs: { env: 'VERIFY_MAX_SERVICE_LATENCY_MS', process: 'control' },
  gateGraceMs: { env: 'GATE_GRACE_MS', process: 'control' },
  restartAfterMs: { env: 'HEALTH_RESTART_AFTER_MS', process: 'supervisor' },
  monolithRestartAfterMs: { env: 'MONOLITH_RESTART_AFTER_MS', process: 'supervisor' },
};

/** A process's limits as its variables. A variable that is set where Banyan is started comes first: it is for one run. */
export function limitsEnv(limits: Limits, reader: Reader, env = process.env): Record<string, string> {
  const own = Object.entries(limitVariables).filter(([, { process }]) => process === reader);
  const declared = own.flatMap(([name, { env }]) => {
    const value = limits[name as Limit];
    return value === undefined ? [] : [[env, String(value)] as const];
  });
  return {
    ...Object.fromEntries(declared),
    ...inherited(
      own.map(([, variable]) => variable.env),
      env,
    ),
  };
}
