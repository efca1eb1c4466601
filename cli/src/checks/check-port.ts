import { createServer } from 'node:net';
import { describeSystemFailure } from './system-failure.ts';
import { ok, problem, type Finding } from './finding.ts';

/** Why nobody could listen on this port of 127.0.0.1, in the system's code; null when one can. */
export function whyNotListen(
  port: number,
): Promise<{ readonly code: string; readonly words: string } | null> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const words = describeSystemFailure(error);
      if (words === null) reject(error);
      else resolve({ code: error.code ?? '', words });
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(null)));
  });
}

/** Whether the shop can listen on the port that was asked for. */
export async function checkPort(port: number): Promise<Finding> {
  const failure = await whyNotListen(port);
  if (failure === null) return ok('port', String(port));
  const other = port < 1_024 ? port + 8_000 : port + 1;
  return problem('port', failure.words, `banyan up --port ${other === 65_536 ? 8_080 : other}`);
}
