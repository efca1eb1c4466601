import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../setup.js';
import { run } from './run-command.js';

/** The image is built by the first start, where SQLite may have to be compiled. */
const START_TIMEOUT_MS = 15 * 60_000;
const COMMAND_TIMEOUT_MS = 5 * 60_000;

function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** A compose project of its own, with its own secrets and port: nothing of a stack that runs already is touched. */
export async function composeProject({ command, dir, profile }) {
  const name = `banyan-test-${process.pid}`;
  const port = await freePort();
  const made = spawnSync(process.execPath, [join(root, 'script/compose-env.js'), '--print'], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
  const settings = made.stdout
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('COMPOSE_PROFILES='));
  const write = (file, lines) => {
    writeFileSync(join(dir, file), `${lines.join('\n')}\n`, { mode: 0o600 });
    return join(dir, file);
  };
  const envFile = write('env', [...settings, `COMPOSE_PROFILES=${profile}`, `PUBLIC_PORT=${port}`]);
  // What the caller's own shell holds would win over the file.
  const names = settings.map((line) => line.split('=')[0]);
  const env = { ...process.env };
  for (const each of [...names, 'COMPOSE_PROFILES', 'COMPOSE_FILE', 'PUBLIC_PORT']) delete env[each];

  const compose = (args, { timeoutMs = COMMAND_TIMEOUT_MS, file = envFile } = {}) =>
    run([...command, '-p', name, '--env-file', file, ...args], { timeoutMs, env, cwd: root });
  const must = async (args, options) => {
    const result = await compose(args, options);
    if (result.code === 0) return result.out;
    throw new Error(`compose ${args.join(' ')} ended with ${result.code}:\n${result.text.slice(-3_000)}`);
  };
  const docker = async (...args) => {
    const { code, out, text } = await run(['docker', ...args], { timeoutMs: COMMAND_TIMEOUT_MS });
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${text}`);
    return out.split('\n').filter((line) => line !== '');
  };
  const own = ['--filter', `label=com.docker.compose.project=${name}`];

  return {
    name,
    shopUrl: `http://127.0.0.1:${port}`,
    secretNames: names,
    compose: must,
    start() {
      const build = process.env.COMPOSE_BUILD === 'false' ? '--no-build' : '--build';
      return must(['up', '-d', build], { timeoutMs: START_TIMEOUT_MS });
    },
    /** Runs what a person would type as `banyan ARGS`. */
    banyan: (...args) => must(['run', '--rm', '-T', 'banyan', ...args]),
    /** As `banyan`, with its exit code. */
    tryBanyan: (...args) => compose(['run', '--rm', '-T', 'banyan', ...args]),
    /** What compose says to a `.env` that lacks one secret. */
    configWithout(missing) {
      const lines = settings.filter((line) => !line.startsWith(`${missing}=`));
      return compose(['config', '-q'], { file: write('env-without', lines) });
    },
    /** Containers as `{ service, state, health, exitCode }`, one-shot commands left out. */
    async containers() {
      const ids = await docker('ps', '-aq', ...own);
      if (ids.length === 0) return [];
      const format =
        '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.ExitCode}}';
      return (await docker('inspect', '--format', format, ...ids)).map((line) => {
        const [service, state, health, exitCode] = line.split(' ');
        return { service, state, health, exitCode: Number(exitCode) };
      });
    },
    down: () => must(['down', '-v', '--remove-orphans']),
    /** Containers, volumes and networks that are there. */
    async left() {
      const lists = await Promise.all([
        docker('ps', '-a', ...own, '--format', 'container {{.Names}}'),
        docker('volume', 'ls', ...own, '--format', 'volume {{.Name}}'),
        docker('network', 'ls', ...own, '--format', 'network {{.Name}}'),
      ]);
      return lists.flat();
    },
    /** What the containers last said, for people. */
    async evidence() {
      const { text } = await compose(['logs', '--no-color', '--tail', '40']);
      return text.slice(-20_000);
    },
  };
}
