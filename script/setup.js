// Installs what the lockfile names, once. Plain JavaScript for Node 20: it runs before anything is installed.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install } from './install.js';
import { pinnedNode, root } from './run-command.js';

export { pinnedNode, root, run } from './run-command.js';

const stampFile = join(root, 'node_modules', '.banyan-setup');

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Installs the packages when the lockfile is not the one that was installed last. */
export async function setup() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    console.error(`Node 20 or newer is needed to begin; this is ${process.versions.node}.`);
    process.exit(3);
  }
  const digest = lockDigest();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest && existsSync(pinnedNode)) return;
  console.log(
    'Installing packages (the first time only; up to three minutes where SQLite has to be compiled) ...',
  );
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const ticker = setInterval(() => console.log(`  ... ${seconds()} s`), 20_000);
  // A command that cannot even be started, such as an npm that is on no PATH.
  const problem = await install().catch(({ message }) => message);
  clearInterval(ticker);
  if (problem) {
    console.error(`\n${problem}`);
    process.exit(3);
  }
  writeFileSync(stampFile, digest);
  console.log(`Installed in ${seconds()} s.`);
}
