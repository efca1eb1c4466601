import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';

/** Loads `@banyan/cdc/apply` in a process of its own, and prints the address of every module that this loads. */
const PROGRAM = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) });
  await import('@banyan/cdc/apply');
  console.log(JSON.stringify([...loaded]));`;

test('a service that loads `@banyan/cdc/apply` loads neither the client of Kafka nor that of PostgreSQL', () => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 60_000,
  });
  const loaded = JSON.parse(printed) as string[];
  const ofPackage = (name: string): string[] =>
    loaded.filter((url) => url.includes(`/node_modules/${name}/`));
  expect(loaded.filter((url) => url.includes('/cdc/src/apply/'))).not.toEqual([]);
  expect(ofPackage('knex')).not.toEqual([]);
  expect({ kafkajs: ofPackage('kafkajs'), pg: ofPackage('pg') }).toEqual({ kafkajs: [], pg: [] });
  const ofCdc = loaded.filter((url) => url.includes('/cdc/src/'));
  // 58 when this was written: a room that is drawn in by mistake brings dozens.
  expect(ofCdc.length).toBeLessThan(75);
  expect(ofCdc.filter((url) => /\/cdc\/src\/(capture|verify)\//.test(url))).toEqual([]);
});
