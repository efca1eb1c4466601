import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutFolder } from './src/environment/banyan.ts';
import { ENVIRONMENT_VARIABLE, readEnvironment } from './src/environment/environment.ts';
import { startStack } from './src/environment/start-stack.ts';

/** Takes the stack that runs already, or starts one and says how to stop it. Playwright wants a default export. */
export default async function prepare(): Promise<() => Promise<void>> {
  if (readEnvironment()) return () => Promise.resolve();
  const home = await mkdtemp(join(tmpdir(), 'banyan-regression-'));
  await chmod(home, 0o711); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
  const stack = await startStack({
    banyan: [process.execPath, 'cli/src/main.ts'],
    cwd: checkoutFolder,
    home,
  });
  // Workers inherit the variable.
  const file = join(home, 'regression.json');
  await writeFile(file, JSON.stringify(stack.environment));
  process.env[ENVIRONMENT_VARIABLE] = file;
  return async () => {
    await stack.close();
    await rm(home, { recursive: true, force: true });
  };
}
