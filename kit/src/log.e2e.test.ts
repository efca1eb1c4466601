import { afterEach, expect, test } from '@jest/globals';
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let child: ChildProcess | undefined;
let clean: (() => void) | undefined;
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  child = undefined;
  clean?.();
  clean = undefined;
});

/** A file system of its own of 256 kB; null where none can be mounted. */
function mountSmallDisk(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir], { stdio: 'ignore' });
    clean = () => {
      execFileSync('umount', [dir]);
      rmdirSync(dir);
    };
    return dir;
  } catch {
    rmdirSync(dir);
    return null;
  }
}

async function start(logFile: string): Promise<ChildProcess> {
  const log = openSync(logFile, 'a', 0o600);
  child = fork(join(import.meta.dirname, 'log-until-told.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  await once(child, 'message');
  return child;
}

async function say(process: ChildProcess, text: string): Promise<void> {
  const answered = once(process, 'message');
  process.send(text);
  const stop = new AbortController();
  const ended = once(process, 'exit', { signal: stop.signal }).then(
    () => ['it ended'],
    () => [], // it did not
  );
  expect((await Promise.race([answered, ended]))[0]).toBe(text);
  stop.abort();
}

const canMount = mountSmallDisk() !== null;
clean?.();
clean = undefined;

(canMount ? test : test.skip)(
  'a log on a full disk ends no process, and goes on once there is room (wants the right to mount)',
  async () => {
    const dir = mountSmallDisk() ?? '';
    const logFile = join(dir, 'own.log');
    const logs = await start(logFile);
    await say(logs, 'before');
    const ballast = join(dir, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(1_000_000))).toThrow(/ENOSPC/);
    const long = 'x'.repeat(20_000);
    for (let n = 0; n < 80; n += 1) await say(logs, long); // more than may wait
    rmSync(ballast);
    await say(logs, 'the one that makes the others come');
    await say(logs, 'after');
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    expect(lines.every((line) => typeof JSON.parse(line) === 'object')).toBe(true);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(
      expect.arrayContaining(['before', 'after', 'the log could not be written']),
    );
  },
);

test('a log holds nothing that a terminal obeys, and says the same', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-log-'));
  clean = () => rmSync(dir, { recursive: true });
  const logs = await start(join(dir, 'own.log'));
  await say(logs, 'a\u009b2Jb');
  const text = readFileSync(join(dir, 'own.log'), 'utf8').trimEnd();
  expect(text).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(text)).toMatchObject({ msg: 'a\u009b2Jb', by: 'somebody\u001b[2J\u202e' });
});
