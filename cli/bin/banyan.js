#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as finding the right one: the sources need 22.18.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(join(cli, 'src', 'main.ts'));
} else {
  const pinned = join(dirname(cli), 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(pinned)) {
    console.error(`Banyan needs Node 22.18 or newer; this is ${process.versions.node}. Run: npm run setup`);
    process.exit(3);
  }
  const { status } = spawnSync(pinned, [join(cli, 'src', 'main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exit(status ?? 130);
}
