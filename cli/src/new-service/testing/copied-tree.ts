import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Folders of packages that are links to folders of the tree itself. */
const OWN_SCOPE = '@banyan';

/** A copy of a checkout with all that git knows or would take, and its packages by links. */
export class CopiedTree {
  readonly root: string;

  constructor(from: string) {
    this.root = mkdtempSync(join(tmpdir(), 'banyan-tree-'));
    chmodSync(this.root, 0o755);
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: from,
      encoding: 'utf8',
      maxBuffer: 20_000_000,
    });
    for (const file of listed.split('\0').filter((each) => each !== '')) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      cpSync(join(from, file), join(this.root, file));
    }
    this.#linkPackages(join(from, 'node_modules'), join(this.root, 'node_modules'));
  }

  #linkPackages(from: string, to: string): void {
    mkdirSync(to);
    for (const name of readdirSync(from)) {
      if (name !== OWN_SCOPE) symlinkSync(join(from, name), join(to, name));
    }
    mkdirSync(join(to, OWN_SCOPE));
    for (const name of readdirSync(join(from, OWN_SCOPE))) {
      // Relative, and so to this tree's own.
      symlinkSync(readlinkSync(join(from, OWN_SCOPE, name)), join(to, OWN_SCOPE, name));
    }
  }

  /** Runs a tool of the tree to its end. */
  run(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...args],
        {
          cwd: this.root,
          timeout: 240_000,
          maxBuffer: 20_000_000,
          env: { ...process.env, NODE_OPTIONS: '' },
        },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
          resolve({ code, text: stdout + stderr });
        },
      );
    });
  }

  /** What git would say of a file or folder that is new or changed, e.g. `M banyan.config.ts`. */
  files(): readonly string[] {
    return execFileSync('git', ['status', '--porcelain', '--untracked-files=all'], {
      cwd: this.root,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((line) => line !== '');
  }

  /** Makes all that is there now the state that `files()` compares with. */
  commit(): void {
    const git = (...args: readonly string[]): void =>
      void execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
        cwd: this.root,
        stdio: 'ignore',
      });
    git('init', '-q');
    git('add', '-A');
    git('commit', '-q', '-m', 'the tree');
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
