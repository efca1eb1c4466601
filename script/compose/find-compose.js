import { run } from './run-command.js';

/** Compose's command as words, or the problem: there is none, or no engine answers. */
export async function findCompose() {
  const given = process.env.COMPOSE_COMMAND?.split(' ').filter((word) => word !== '');
  const candidates = given ? [given] : [['docker', 'compose'], ['docker-compose']];
  for (const command of candidates) {
    const { code } = await run([...command, 'version'], { timeoutMs: 60_000 });
    if (code !== 0) continue;
    const engine = await run(['docker', 'version', '--format', '{{.Server.Version}}'], { timeoutMs: 20_000 });
    if (engine.code === 0) return { command };
    return { problem: `No Docker engine answers: ${engine.text.trim().split('\n').at(-1)}` };
  }
  return { problem: `No compose was found: ${candidates.map((each) => each.join(' ')).join(', ')}.` };
}
