import { spawn } from 'node:child_process';

/**
 * Runs a command to its end. A command that does not exist ends with code 127.
 *
 * @param options.timeoutMs Milliseconds after which it is killed.
 * @returns its exit code, what it wrote to standard output (`out`), and that with its errors (`text`).
 */
export function run(words, { timeoutMs, env = process.env, cwd }) {
  return new Promise((done) => {
    const [command, ...args] = words;
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let text = '';
    child.stdout.on('data', (part) => {
      out += part;
      text += part;
    });
    child.stderr.on('data', (part) => {
      text += part;
    });
    const late = setTimeout(() => {
      text += `\nkilled after ${timeoutMs} ms`;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(late);
      done({ code: 127, out, text: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(late);
      done({ code: code ?? 1, out, text });
    });
  });
}
