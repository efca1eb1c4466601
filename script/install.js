// Installs the packages in three steps, so that each has one cause to fail for, and so that what is compiled finds the
// headers of the Node that the second step brings: by itself node-gyp downloads them, from a host that a machine with
// nothing but an npm registry does not reach.
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { basename, delimiter, join, sep } from 'node:path';
import { compileElsewhere } from './compile-elsewhere.js';
import { pinnedNode, root, run } from './run-command.js';

const modules = join(root, 'node_modules');
const sqliteBinary = join('build', 'Release', 'node_sqlite3.node');
const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];

/** @returns what went wrong, in a sentence or two; null when all is installed. */
export async function install() {
  if ((await npm(['ci', '--ignore-scripts', ...quiet])) !== 0)
    return "npm ci could not install the packages; npm's own error is above.";
  if ((await npm(['rebuild', 'node', ...quiet])) !== 0 || !existsSync(pinnedNode))
    return "npm could not install Node itself, whose binary is a package of its own; npm's own error is above.";
  // make splits paths at spaces, so in such a checkout SQLite is compiled in another place.
  const isPlainPath = /^[\w./\\:@+,=-]*$/.test(root);
  const others = scripted().filter((name) => name !== 'node' && (isPlainPath || name !== 'sqlite3'));
  const nodeDir = nodeWithHeaders();
  const env = nodeDir ? { ...process.env, npm_package_config_node_gyp_nodedir: nodeDir } : process.env;
  if ((await npm(['rebuild', ...others, ...quiet], env)) !== 0) return whyNotBuilt();
  if (isPlainPath || (await fetchPrebuiltSqlite())) return null;
  const isBuilt = await compileElsewhere({ name: 'sqlite3', product: sqliteBinary, nodeDir });
  return isBuilt ? null : whyNotBuilt();
}

/** Runs the npm that runs this, or the one on the PATH. */
function npm(args, env = process.env) {
  const path = process.env.npm_execpath;
  return path ? run(nodeOutside(), [path, ...args], { env }) : run('npm', args, { env });
}

/** Not the pinned Node, which runs this in a checkout that was installed before: the first step removes it. */
function nodeOutside() {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, basename(pinnedNode)));
  const candidates = [process.env.npm_node_execpath ?? '', process.execPath, ...onPath];
  const found = candidates.find((path) => path !== '' && existsSync(path) && !isInside(path));
  return found ?? process.execPath;
}

const isInside = (path) => realpathSync(path).startsWith(realpathSync(root) + sep);

/** Packages that do something at their installation, of those that are for this system. */
function scripted() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { hasInstallScript }]) => hasInstallScript && existsSync(join(root, path)))
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
}

/** The folder that came with the pinned Node's binary and holds its `include/`. */
function nodeWithHeaders() {
  return [join(modules, 'node', 'node_modules'), modules]
    .flatMap((dir) => (existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : []))
    .find((dir) => existsSync(join(dir, 'include', 'node', 'node_api.h')));
}

/** As the package's own script does first. */
async function fetchPrebuiltSqlite() {
  const script = join(modules, 'prebuild-install', 'bin.js');
  return (
    (await run(pinnedNode, [script, '-r', 'napi'], { cwd: join(modules, 'sqlite3') })) === 0 &&
    existsSync(join(modules, 'sqlite3', sqliteBinary))
  );
}

/** A package's own script failed: mostly SQLite's, which found no prebuilt binary and nothing to compile with. */
function whyNotBuilt() {
  const said = 'What its build said is above; the packages themselves were all fetched.';
  if (existsSync(join(modules, 'sqlite3', sqliteBinary))) return `A package could not be built. ${said}`;
  const missing = [
    ['Python 3', ['python3', 'python']],
    ['make', ['make', 'gmake']],
    ['a C++ compiler', ['c++', 'g++', 'clang++']],
  ].filter(([, names]) => process.platform !== 'win32' && !names.some(isOnPath));
  const cause = `No prebuilt binary of SQLite could be fetched, and compiling it failed. ${said}`;
  if (missing.length === 0) return cause;
  return (
    `${cause}\nMissing here: ${missing.map(([name]) => name).join(', ')}. ` +
    'On Debian or Ubuntu: apt-get install python3 make g++. On macOS: xcode-select --install.'
  );
}

const isOnPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, name)));
