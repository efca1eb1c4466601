// `node script/run.js TASK [ARGUMENT...]`: installs what is missing, then runs the task by the pinned Node.
import { delimiter, join } from 'node:path';
import { pinnedNode, root, run, setup } from './setup.js';

const quiet = '--disable-warning=ExperimentalWarning';
const tasks = {
  setup: null,
  test: [quiet, 'script/test.js'],
  'test:stack': [quiet, 'script/test-stack.js'],
  'test:compose': [quiet, 'script/test-compose.js'],
  walkthrough: [quiet, 'cli/src/walkthrough/main.ts'],
  monolith: [
    quiet,
    'postgres/src/main.ts',
    '--dir',
    '.banyan/monolith-alone',
    '--database',
    'shop',
    '--',
    pinnedNode,
    quiet,
    'monolith/src/main.ts',
  ],
  banyan: [quiet, 'cli/bin/banyan.js'],
  // `npm run stack -- up` is `banyan up --stack kafka`; other commands are the same.
  stack: [quiet, 'cli/bin/banyan.js'],
  reference: [quiet, 'script/configuration-reference.ts'],
  'bench:proxy': [quiet, 'bench/src/proxy.ts'],
  'bench:feed': [quiet, 'bench/src/feed.ts'],
  'bench:stack': [quiet, 'bench/src/stack.ts'],
  'bench:soak': [quiet, 'bench/src/soak.ts'],
};

const [task = '', ...rest] = process.argv.slice(2);
if (!(task in tasks)) {
  console.error(`No task "${task}". Tasks: ${Object.keys(tasks).join(', ')}.`);
  process.exit(2);
}
await setup();
const args = tasks[task];
if (args) {
  const bins = [join(root, 'node_modules', 'node', 'bin'), join(root, 'node_modules', '.bin')];
  const PATH = [...bins, process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH, ...(task === 'stack' ? { BANYAN_STACK: 'kafka' } : {}) };
  process.exitCode = await run(pinnedNode, [...args, ...rest], { env });
}
