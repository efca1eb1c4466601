// `npm run test:compose`: starts docker-compose.yml for real on the engine that DOCKER_HOST names (default: docker's
// own), in a project of its own, and follows a review from the shop's page into the service's store. `-- full` tests
// the profile `full`. COMPOSE_COMMAND names another compose than `docker compose` or `docker-compose`. Without an
// engine it says so and ends with 0, unless COMPOSE_WANTED=true. COMPOSE_BUILD=false takes the image `banyan:local` as
// it is. The last line is `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeProject } from './compose/project.js';
import { findCompose } from './compose/find-compose.js';
import { composeSteps } from './compose/steps.js';

const profile = process.argv[2] ?? 'embedded';
if (!['embedded', 'full'].includes(profile)) {
  console.error(`No profile "${profile}" to test: embedded or full.`);
  process.exit(2);
}
const { command, problem } = await findCompose();
if (problem) {
  console.error(`${problem}\nThe compose file was not tested.`);
  process.exit(process.env.COMPOSE_WANTED === 'true' ? 3 : 0);
}

const dir = mkdtempSync(join(tmpdir(), 'banyan-test-compose-'));
const project = await composeProject({ command, dir, profile });
const counts = { passed: 0, failed: 0 };

/** A step that fails ends the run: those after it need it. */
async function runStep({ name, run }) {
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  try {
    await run();
    counts.passed += 1;
    console.log(`ok      ${name} (${seconds()})`);
    return true;
  } catch (error) {
    counts.failed += 1;
    console.log(`FAILED  ${name} (${seconds()})\n${error.message}`);
    return false;
  }
}

const interrupted = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve(false));
});
try {
  const { during, after } = composeSteps(project, profile);
  let goesOn = true;
  for (const step of during) {
    if (goesOn) goesOn = await Promise.race([runStep(step), interrupted]);
  }
  if (!goesOn) console.log(await project.evidence());
  await runStep(after);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
if (counts.failed > 0) process.exitCode = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed`);
