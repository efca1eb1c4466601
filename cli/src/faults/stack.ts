import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SliceStatus } from '@banyan/contracts';
import { findFreePort } from '@banyan/postgres';
import { look, type Everything } from '../commands/status.ts';
import { openHome, projectRoot, type Home } from '../home.ts';
import { processStartedAt, readLastRunState } from '../supervise/run-state.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface StackOptions {
  readonly cwd?: string;
  readonly checkout?: string;
  readonly gates?: Readonly<{ maxLagMs?: number; maxHeartbeatAgeMs?: number }>;
}

/** The copy's lag of the last minute is no matter: where a test kills and stops, or the machine is busy, it is long. */
export const anyLag = { maxLagMs: 600_000 } as const;

/** A Banyan of its own in a folder of its own, driven by its command line alone. */
export class Stack {
  readonly home: Home;
  #up: ChildProcess | null = null;

  readonly #cwd: string;
  readonly #bin: string;

  readonly #gates: StackOptions['gates'];

  /**
   * @param options.cwd Folder of the installation, where commands are typed. Default: the checkout, which is the sample's.
   * @param options.checkout Whose command is typed. Default: this one's.
   * @param options.gates Limits of the sample's slices. Default: its own.
   */
  constructor({ checkout = projectRoot, cwd = checkout, gates }: StackOptions = {}) {
    this.#cwd = cwd;
    this.#bin = join(checkout, 'cli', 'bin', 'banyan.js');
    const dir = mkdtempSync(join(tmpdir(), 'banyan-stack-'));
    chmodSync(dir, 0o711); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
    this.home = openHome({ BANYAN_HOME: dir });
    this.#gates = gates;
  }

  get #configFile(): string {
    return this.home.file('gates.config.ts');
  }

  /** The sample's declaration with other gates. */
  #declare(): void {
    writeFileSync(
      this.#configFile,
      `import sample from '${projectRoot}/banyan.config.ts';
       const { paths, visitors, slices } = sample;
       const gates = ${JSON.stringify(this.#gates)};
       export default { paths, visitors, slices: slices.map(({ slice }) => slice), limits: { gates } };`,
    );
  }

  get supervisor(): ChildProcess {
    if (!this.#up) throw new Error('up() comes first');
    return this.#up;
  }

  #env(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return {
      ...process.env,
      NODE_OPTIONS: '',
      BANYAN_HOME: this.home.dir,
      BANYAN_BY: 'test',
      // What a test stops stays stopped; supervised-process.e2e.test.ts sees to the rest.
      HEALTH_RESTART_AFTER_MS: '0',
      MONOLITH_RESTART_AFTER_MS: '0',
      ...(this.#gates && { BANYAN_CONFIG: this.#configFile }),
      ...extra,
    };
  }

  /** Runs one command to its end. */
  banyan(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [this.#bin, ...args],
        { cwd: this.#cwd, env: this.#env(env), timeout: 180_000, maxBuffer: 20_000_000 },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
          resolve({ code, stdout, stderr });
        },
      );
    });
  }

  /** Runs one command that has to succeed, and parses the JSON that it prints. */
  async json<T>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.banyan([...args, '--json']);
    if (code !== 0) throw new Error(`banyan ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts `banyan up` in the foreground of a process of its own, and waits for its `ready`. */
  up(...args: readonly string[]): Promise<{ shopUrl: string }> {
    return this.upWith({}, ...args);
  }

  /** The same with further variables. */
  async upWith(
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<{ shopUrl: string }> {
    if (this.#gates) this.#declare();
    // As if from last time: two that prefer the same port for customers, and start at once, would both find it free.
    if (!existsSync(this.home.portsFile))
      writeFileSync(this.home.portsFile, JSON.stringify({ public: await findFreePort() }));
    const child = spawn(process.execPath, [this.#bin, 'up', '--json', ...args], {
      cwd: this.#cwd,
      env: this.#env(env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#up = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as { event?: string; shopUrl?: string };
      if (message.event === 'ready' && message.shopUrl) return { shopUrl: message.shopUrl };
      throw new Error(`banyan up said: ${line}`);
    }
    throw new Error('banyan up ended without a word');
  }

  /** What `banyan status` would print, without a process for each look. */
  status(): Promise<Everything> {
    return look(this.home);
  }

  async slice(): Promise<SliceStatus> {
    const { report } = await this.status();
    const slice = report?.slices[0];
    if (!slice) throw new Error('no slice: the control plane does not answer');
    return slice;
  }

  pid(name: string): number {
    const pid = readLastRunState(this.home)?.processes.find((each) => each.name === name)?.pid;
    if (!pid) throw new Error(`no process ${name}`);
    return pid;
  }

  /** Every process that this stack runs, the supervisor included. */
  pids(): number[] {
    const run = readLastRunState(this.home);
    const children = run?.processes.flatMap(({ pid }) => (pid === null ? [] : [pid])) ?? [];
    return run ? [run.supervisorPid, ...children] : [];
  }

  /** Kills a process with SIGKILL and waits until the supervisor has it ready again. */
  async killAndWait(name: string): Promise<void> {
    const before = this.pid(name);
    process.kill(before, 'SIGKILL');
    await until(`${name} is ready again`, () => {
      const found = readLastRunState(this.home)?.processes.find((each) => each.name === name);
      return found?.state === 'ready' && found.pid !== before;
    });
  }

  secret(name: string): string {
    return readFileSync(this.home.secret(name), 'utf8').trim();
  }

  /** @param options.keepHome Leaves the folder with its logs. Default false. */
  async close(options: { readonly keepHome?: boolean } = {}): Promise<void> {
    await this.banyan(['down']);
    if (this.#up && this.#up.exitCode === null && this.#up.signalCode === null) {
      await new Promise((resolve) => this.#up?.once('exit', resolve));
    }
    if (!options.keepHome) rmSync(this.home.dir, { recursive: true, force: true });
  }
}

/** Looks every 100 ms until `condition` holds. @throws Error that names what was waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error; // asked again until the time is over; then it is the cause
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}`, { cause: last });
    await sleep(100);
  }
}

export function isAlive(pid: number): boolean {
  return processStartedAt(pid) !== null;
}
