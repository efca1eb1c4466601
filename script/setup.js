// Installs what the lockfile names, once. Plain JavaScript for Node 20: it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stampFile = join(root, 'node_modules', '.banyan-setup');

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** The Node that the project pins, from its npm package. */
export const pinnedNode = join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Runs a command to its end with our output; resolves with its exit code. */
export function run(command, args, env = process.env) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
    // Passed on, and then the child's orderly end is waited for.
    const passOn = (signal) => child.kill(signal);
    process.on('SIGINT', passOn).on('SIGTERM', passOn);
    child.once('error', fail);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', passOn).off('SIGTERM', passOn);
      done(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** Installs the packages when the lockfile is not the one that was installed last. */
export async function setup() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    console.error(`Node 20 or newer is needed to begin; this is ${process.versions.node}.`);
    process.exit(3);
  }
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockDigest() && existsSync(pinnedNode))
    return;
  console.log(
    'Installing packages (the first time only; up to three minutes where SQLite has to be compiled) ...',
  );
  const startedAt = Date.now();
  const ticker = setInterval(
    () => console.log(`  ... ${Math.round((Date.now() - startedAt) / 1000)} s`),
    20_000,
  );
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await (npm ? run(process.execPath, [npm, ...args]) : run('npm', args));
  clearInterval(ticker);
  if (code !== 0) {
    console.error(
      'npm ci failed. What it said is above; the usual cause is no connection to the npm registry.',
    );
    process.exit(3);
  }
  writeFileSync(stampFile, lockDigest());
  console.log(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}
