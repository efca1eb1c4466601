import { existsSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import type { StatusReport } from '@banyan/contracts';
import { findJavaTools, KafkaStackError } from '@banyan/kafka';
import { checkEnvironment } from '../checks/check-environment.ts';
import { ok, type Finding } from '../checks/finding.ts';
import { printable } from '@banyan/kit';
import { projectRoot } from '../home.ts';
import { asTyped, bytes, printJson, style } from '../output/terminal.ts';
import { readRunState } from '../supervise/run-state.ts';
import { readStack } from '../supervise/stack-choice.ts';
import { ControlClient } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { freeOtherWal, freeOwnWal } from '../output/feed-text.ts';
import { checkClients } from './check-clients.ts';
import { endTransaction, transactionText } from '../output/waits-text.ts';
import type { Context } from './context.ts';

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18)
    ? ok('Node', process.versions.node)
    : {
        check: 'Node',
        verdict: 'problem',
        got: process.versions.node,
        remedy: 'npm run setup installs Node 24 here',
      };
}

function checkDisk(dir: string): Finding {
  const { bavail, bsize } = statfsSync(existsSync(dir) ? dir : projectRoot);
  const free = bavail * bsize;
  return free > 1_000_000_000
    ? ok('free disk', bytes(free))
    : {
        check: 'free disk',
        verdict: 'problem',
        got: bytes(free),
        remedy: 'free at least 1 GB beside the state folder',
      };
}

function checkMemory(): Finding {
  const free = freemem();
  return free > 700_000_000
    ? ok('free memory', bytes(free))
    : { check: 'free memory', verdict: 'warning', got: bytes(free), remedy: 'about 700 MB are wanted' };
}

/** Of the full stack alone. */
async function checkJava(context: Context): Promise<Finding[]> {
  if ((readStack(context.home) ?? process.env['BANYAN_STACK']) !== 'kafka') return [];
  try {
    const { java, javaVersion } = await findJavaTools({ needsMaven: false });
    return [ok('Java', `${javaVersion} (${java})`)];
  } catch (error) {
    if (!(error instanceof KafkaStackError)) throw error;
    return [{ check: 'Java', verdict: 'problem', got: error.message, remedy: 'banyan up --stack kafka' }];
  }
}

async function checkProcesses(context: Context): Promise<Finding[]> {
  const run = readRunState(context.home);
  if (!run) return [{ check: 'running', verdict: 'warning', got: 'nothing runs here', remedy: 'banyan up' }];
  return Promise.resolve(
    run.processes.map(({ name, state, restarts, lastExit }) =>
      state === 'ready'
        ? ok(`process ${name}`, `ready, ${restarts} restarts`)
        : {
            check: `process ${name}`,
            verdict: 'problem' as const,
            got: `${state}, last: ${lastExit ?? '-'}`,
            remedy: `less ${context.home.logsDir}/${name}.log`,
          },
    ),
  );
}

/** What the control plane knows: kept WAL, and copies that wait. Unknown while it does not answer, which `checkProcesses` says too. */
async function checkFeed(context: Context): Promise<Finding[]> {
  if (!readRunState(context.home)) return [];
  let report: StatusReport;
  try {
    report = await ControlClient.open(context.home).status(AbortSignal.timeout(5_000));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [{ check: 'kept WAL', verdict: 'warning', got: 'unknown', remedy: 'banyan status' }];
  }
  const { feed, slices } = report;
  if (feed.state === 'none') return [];
  return [
    keptWal(`kept WAL, slot ${feed.slot}`, feed.retention, freeOwnWal(feed)),
    ...feed.otherSlots.map(({ name, retention }) =>
      keptWal(`kept WAL, slot ${name}, which nobody reads`, retention, freeOtherWal(name)),
    ),
    ...slices.flatMap(({ name, waitsFor = [] }) =>
      waitsFor.map((each): Finding => {
        const check = `the copy of ${name} stands still, and may wait for`;
        return { check, verdict: 'warning', got: transactionText(each), remedy: endTransaction(each) };
      }),
    ),
  ];
}

function keptWal(check: string, retention: StatusReport['feed']['retention'], remedy: string): Finding {
  const { level, text } = retention;
  if (level === 'ok') return ok(check, text);
  if (level === 'unknown') return { check, verdict: 'warning', got: text, remedy: 'banyan status' };
  return { check, verdict: level === 'warning' ? 'warning' : 'problem', got: text, remedy };
}

/** Looks at what Banyan needs, and says how to fix what is wrong. Exit code 3 with a problem. */
export async function doctor(context: Context): Promise<void> {
  const findings = [
    checkNode(),
    checkDisk(context.home.dir),
    checkMemory(),
    ...(await checkEnvironment({ home: context.home })).findings,
    ...(await checkJava(context)),
    ...(await checkProcesses(context)),
    ...(await checkFeed(context)),
    ...(await checkClients(context)),
  ];
  if (findings.some(({ verdict }) => verdict === 'problem')) process.exitCode = 3;
  if (context.json) {
    const next = findings.flatMap(({ remedy }) => (remedy ? [remedy] : []));
    printJson({ schema_version: 1, findings, next_steps: next });
    return;
  }
  const colour = { ok: 'green', warning: 'yellow', problem: 'red' } as const;
  for (const { check, verdict, got, remedy } of findings) {
    console.log(`${style(colour[verdict], verdict.padEnd(8))} ${printable(check)}: ${printable(got)}`);
    if (remedy) console.log(`         ${asTyped(printable(remedy))}`);
  }
}
