import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff, withDeadline } from '@banyan/kit';
import { waitForPostgres } from '@banyan/postgres';
import { CommandError } from '../output/command-error.ts';
import { answersHttp, stillAnswers } from './asking.ts';
import { watchHealth, type HealthWatchOptions } from './health-watch.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { Reaper } from './reaper.ts';
import type { ProcessState } from './run-state.ts';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A run longer than this counts as healthy: the next crash starts with the shortest wait again. */
const HEALTHY_RUN_MS = 20_000;
const STOP_TIMEOUT_MS = 12_000;
/** For one that hangs: it may still hear its own signal. */
const HUNG_STOP_TIMEOUT_MS = 5_000;
const READY_TIMEOUT_MS = 90_000;
const READY_POLL_MS = 50;
/** Crashes before it was ever ready, after which starting is given up. */
const MAX_EARLY_CRASHES = 3;
const MAX_LOG_BYTES = 10_000_000;

/** Runs one process, starts it again when it ends by itself, and stops it when told. */
export class SupervisedProcess {
  readonly spec: ProcessSpec;
  readonly #logFile: string;
  readonly #reaper: Reaper;
  readonly #onChange: () => void;
  readonly #pace: Pick<HealthWatchOptions, 'everyMs' | 'deadlineMs'>;
  readonly #stopped = new AbortController();
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #state: ProcessState['state'] = 'stopped';
  #restarts = 0;
  #earlyCrashes = 0;
  #lastExit: string | null = null;
  #silentMs: number | null = null;
  /** Set from when it is ended for its silence until it has. */
  #hungMs: number | null = null;
  readonly #backoff = new Backoff({ firstMs: FIRST_BACKOFF_MS, lastMs: MAX_BACKOFF_MS });
  #ready = Promise.withResolvers<undefined>();

  constructor(options: {
    readonly spec: ProcessSpec;
    readonly logsDir: string;
    readonly reaper: Reaper;
    readonly onChange: () => void;
    /** How often it is asked whether it answers, and for how long. Default as in `watchHealth`. */
    readonly pace?: Pick<HealthWatchOptions, 'everyMs' | 'deadlineMs'>;
  }) {
    this.#pace = options.pace ?? {};
    this.spec = options.spec;
    this.#logFile = join(options.logsDir, `${options.spec.name}.log`);
    this.#reaper = options.reaper;
    this.#onChange = options.onChange;
    this.#ready.promise.catch(() => undefined); // told to whoever waits in start(); nobody may be waiting yet
  }

  get state(): ProcessState {
    return {
      name: this.spec.name,
      pid: this.#child?.pid ?? null,
      state: this.#state,
      silentMs: this.#silentMs,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      url: this.spec.url,
    };
  }

  /** Starts it and waits until it answers. @throws CommandError with the end of its log when it does not. */
  async start(): Promise<void> {
    this.#spawn();
    const deadline = sleep(READY_TIMEOUT_MS, undefined, { signal: this.#stopped.signal, ref: false }).then(
      () => {
        throw this.#startError(`${this.spec.name} did not answer within ${READY_TIMEOUT_MS / 1_000} s.`);
      },
      () => undefined, // stopped while starting: the caller knows
    );
    await Promise.race([this.#ready.promise, deadline]);
  }

  /** Ends it: first by its own signal, after 12 s by SIGKILL. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopped.signal.aborted) this.#stopped.abort(new Error('stopped'));
    const child = this.#child;
    if (child) {
      this.#signalGroup(child, this.spec.stopSignal);
      const timer = setTimeout(() => this.#signalGroup(child, 'SIGKILL'), STOP_TIMEOUT_MS);
      await this.#ended;
      clearTimeout(timer);
    }
    this.#set('stopped');
  }

  #set(state: ProcessState['state']): void {
    this.#state = state;
    this.#onChange();
  }

  #spawn(): void {
    const { spec } = this;
    const log = this.#openLog();
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops all in order.
      detached: true,
      stdio: ['ignore', spec.onLine ? 'pipe' : log, log, ...(spec.ipc ? (['ipc'] as const) : [])],
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
    if (log !== 'ignore') closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) this.#reaper.watch(child.pid, spec.stopSignal);
    if (child.stdout && spec.onLine) createInterface({ input: child.stdout }).on('line', spec.onLine);
    const startedAtMs = Date.now();
    const run = new AbortController();
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.#child !== child) return;
        this.#child = null;
        run.abort();
        if (child.pid !== undefined) this.#reaper.forget(child.pid);
        this.#lastExit =
          this.#hungMs === null ? how : `did not answer for ${Math.round(this.#hungMs / 1_000)} s`;
        this.#hungMs = null;
        this.#silentMs = null;
        resolve();
        this.#afterExit(Date.now() - startedAtMs);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ? `killed by ${signal}` : `exit code ${code ?? '?'}`));
    });
    this.#set('starting');
    this.#waitReady(child, run.signal).then(
      () => {
        if (run.signal.aborted) return;
        this.#earlyCrashes = 0;
        this.#set('ready');
        this.#ready.resolve(undefined);
        this.#watch(child, run.signal);
      },
      () => undefined, // it ended first: afterExit() takes care
    );
  }

  async #waitReady(child: ChildProcess, signal: AbortSignal): Promise<void> {
    const { ready } = this.spec;
    switch (ready.kind) {
      case 'ipc':
        return new Promise((resolve) => {
          child.on('message', (message: unknown) => {
            if (typeof message === 'object' && message && 'kind' in message && message.kind === 'ready')
              resolve();
          });
        });
      case 'postgres':
        return waitForPostgres(ready.url, READY_TIMEOUT_MS, signal);
      case 'check':
        return pollUntilReady(ready.isReady, signal);
      case 'http':
        return pollUntilReady(
          () =>
            answersHttp(ready.url, {
              signal: withDeadline(signal, 1_000),
              anyStatus: false,
            }),
          signal,
        );
    }
  }

  /** Until this run of it ends: shows when it does not answer, and ends it when that lasts too long. */
  #watch(child: ChildProcess, signal: AbortSignal): void {
    const { health, restartAfterMs } = this.spec;
    if (!health) return;
    void watchHealth(
      {
        ...this.#pace,
        ask: (asking) => stillAnswers(health, child, asking),
        limitMs: restartAfterMs,
        onSilent: (silentMs) => {
          this.#silentMs = silentMs;
          this.#set(silentMs === null ? 'ready' : 'silent');
        },
        onHung: (silentMs) => {
          this.#hungMs = silentMs;
          this.#signalGroup(child, this.spec.stopSignal);
          const timer = setTimeout(() => this.#signalGroup(child, 'SIGKILL'), HUNG_STOP_TIMEOUT_MS);
          child.once('exit', () => clearTimeout(timer)); // afterExit() starts it anew
        },
      },
      AbortSignal.any([signal, this.#stopped.signal]),
    );
  }

  #afterExit(ranMs: number): void {
    if (this.#stopped.signal.aborted) return;
    const wasReady = this.#state === 'ready' || this.#state === 'silent';
    if (!wasReady) this.#earlyCrashes += 1;
    if (this.#earlyCrashes >= MAX_EARLY_CRASHES) {
      this.#ready.reject(
        this.#startError(`${this.spec.name} ended ${this.#earlyCrashes} times while starting.`),
      );
    }
    if (wasReady && ranMs > HEALTHY_RUN_MS) this.#backoff.reset();
    this.#restarts += 1;
    this.#set('restarting');
    void this.#backoff.wait(this.#stopped.signal).then((goesOn) => {
      if (goesOn) this.#respawn();
    });
  }

  #respawn(): void {
    try {
      this.#spawn();
    } catch (error) {
      // No memory for a process, say: the others run on, and this one is tried again.
      this.#lastExit = `it could not be started: ${error instanceof Error ? error.message : String(error)}`;
      this.#afterExit(0);
    }
  }

  /** A log that cannot be opened (a full disk) costs the log, not the process. */
  #openLog(): number | 'ignore' {
    try {
      if (existsSync(this.#logFile) && statSync(this.#logFile).size > MAX_LOG_BYTES) {
        renameSync(this.#logFile, `${this.#logFile}.1`);
      }
      return openSync(this.#logFile, 'a', 0o600);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      console.error(`${this.spec.name} runs without a log: ${why}`);
      return 'ignore';
    }
  }

  #signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined) return;
    try {
      // PostgreSQL wants the signal at the postmaster alone, which ends its own children in order.
      process.kill(signal === 'SIGKILL' ? -child.pid : child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone already is what we want
    }
  }

  #startError(message: string): CommandError {
    const lines = existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8').trimEnd().split('\n') : [];
    // What it said to people; JSON lines only when there is nothing else.
    const forPeople = lines.filter((line) => !line.startsWith('{'));
    const tail = (forPeople.length > 0 ? forPeople : lines).slice(-12).map((line) => line.slice(0, 300));
    return new CommandError({
      code: 'process-not-starting',
      message,
      evidence: [`last: ${this.#lastExit ?? 'still running'}`, ...new Set(tail)],
      nextSteps: [`less ${this.#logFile}`, 'banyan doctor'],
      exitCode: 3,
    });
  }
}

/** @throws the signal's reason when the process ends first. */
async function pollUntilReady(
  isReady: (signal: AbortSignal) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isReady(signal))) {
    signal.throwIfAborted();
    await sleep(READY_POLL_MS, undefined, { signal });
  }
}
