import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { pinnedNode, root, run } from './run-command.js';

/**
 * Compiles a package in a folder whose path has no spaces, as make needs it, and copies the product back. The package is
 * copied there; all else it needs is seen through one link, and Node is told to keep to the link's path.
 *
 * @param options.name of the package under node_modules
 * @param options.product path of what the build makes, in the package
 * @param options.nodeDir holds the headers in `include/`
 * @returns true when the product was made.
 */
export async function compileElsewhere({ name, product, nodeDir }) {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-compile-'));
  try {
    const modules = join(dir, 'node_modules');
    const own = join(root, 'node_modules');
    symlinkSync(own, modules, 'junction');
    const copy = join(dir, name);
    cpSync(join(own, name), copy, { recursive: true });
    const args = [join(modules, 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild', '--loglevel=error'];
    if (nodeDir) args.push(`--nodedir=${join(modules, relative(own, nodeDir))}`);
    const code = await run(pinnedNode, ['--preserve-symlinks', '--preserve-symlinks-main', ...args], {
      env: {
        ...process.env,
        PATH: [dirname(pinnedNode), process.env.PATH].join(delimiter),
        NODE_PRESERVE_SYMLINKS: '1', // for the `node` that the build itself runs
        MAKEFLAGS: '--silent',
      },
      cwd: copy,
    });
    if (code !== 0 || !existsSync(join(copy, product))) return false;
    const target = join(own, name, product);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(copy, product), target);
    return true;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
