import { closeSync, openSync, readFileSync } from 'node:fs';
import { failedOf } from './closing-line.js';
import { run } from './run-command.js';

/**
 * Runs one part of `npm test` to its end. Its output is seen as it comes where nothing runs beside it, else in one piece
 * when it has ended; by a file, since a pipe stays open for as long as a process that the part left behind.
 * @param {{ outputFile: string, isAlone: boolean, print: (text: string) => void }} options
 * @returns {Promise<{ name: string, code: number, seconds: number, passed: number, failed: number, files: readonly { file: string, seconds: number }[] }>}
 */
export async function runPart(part, { outputFile, isAlone, print }) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const env = { ...process.env, ...part.env };
  // A program that cannot be started is a part that failed.
  const start = (options) =>
    run(part.command, part.args, { env, ...options }).catch((error) => {
      print(`${part.name} did not start: ${error.message}`);
      return 127;
    });
  let code;
  if (isAlone) {
    print(`\n== ${part.name}`);
    code = await start({});
  } else {
    print(`.. ${part.name} has begun`);
    const file = openSync(outputFile, 'w');
    code = await start({ stdio: ['ignore', file, file] });
    closeSync(file);
    const output = readFileSync(outputFile, 'utf8').trimEnd();
    print(`\n== ${part.name} (${seconds()} s)${output && `\n${output}`}`);
  }
  const counts = { passed: 0, failed: 0, files: [] };
  try {
    if (part.counts) Object.assign(counts, part.counts());
  } catch (error) {
    // No report at all: the part broke before its first test.
    print(`${part.name} left no report: ${error.message}`);
    counts.failed = 1;
  }
  return { name: part.name, code, seconds: seconds(), ...counts, failed: failedOf({ code, ...counts }) };
}
