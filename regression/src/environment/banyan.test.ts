import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringReviewsTo, readReviewsSlice } from './banyan.ts';
import type { FullEnvironment } from './environment.ts';

/** A stand-in for `banyan`: keeps one slice in a file, refuses the first `route`, writes down what it was told. */
const FAKE = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
const home = process.env.BANYAN_HOME;
const [verb, , ...rest] = process.argv.slice(2);
const file = home + '/slice.json';
const slice = JSON.parse(readFileSync(file, 'utf8'));
if (verb !== 'status') appendFileSync(home + '/told', process.argv.slice(2).join(' ') + '\\n');
if (verb === 'advance') slice.phase = 'syncing';
if (verb === 'rollback') Object.assign(slice, { phase: 'syncing', share: 0 });
if (verb === 'route') {
  if (!existsSync(home + '/asked')) {
    writeFileSync(home + '/asked', '');
    console.log('a gate does not pass yet');
    process.exit(1);
  }
  Object.assign(slice, { phase: 'canary', share: parseFloat(rest[1]) / 100 });
}
if (verb === 'advance' && slice.broken) {
  console.log('the source is down');
  process.exit(3);
}
writeFileSync(file, JSON.stringify(slice));
console.log(JSON.stringify(verb === 'status' ? { control: { slices: [slice] } } : {}));
`;

let home = '';
let environment: FullEnvironment;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fake-banyan-'));
  await writeFile(join(home, 'banyan.mjs'), FAKE);
  const banyan = [process.execPath, join(home, 'banyan.mjs')];
  environment = { monolithUrl: 'http://m', proxyUrl: 'http://p', banyan, home };
});
afterEach(() => rm(home, { recursive: true, force: true }));

const begin = (phase: string, share: number, more = {}) =>
  writeFile(join(home, 'slice.json'), JSON.stringify({ name: 'reviews', phase, share, ...more }));
const told = async () => (await readFile(join(home, 'told'), 'utf8')).trim().split('\n');
const ROUTE = 'route reviews --share 50% --reason regression tests --wait --json';

test('from the monolith it advances, then routes, and asks again while a gate does not pass', async () => {
  await begin('monolith', 0);
  await bringReviewsTo(environment, 0.5);
  expect(await told()).toEqual(['advance reviews --wait --json', ROUTE, ROUTE]);
  expect(await readReviewsSlice(environment)).toEqual({ name: 'reviews', phase: 'canary', share: 0.5 });
});

test('in canary with the share wanted nothing is done', async () => {
  await begin('canary', 1);
  await bringReviewsTo(environment, 1);
  await expect(told()).rejects.toThrow();
});

test('to the monolith it rolls back, and does nothing when it is there already', async () => {
  await begin('canary', 1);
  await bringReviewsTo(environment, 0);
  await bringReviewsTo(environment, 0);
  expect(await told()).toEqual(['rollback reviews --reason regression tests --wait --json']);
});

test('a command that failed for another reason than "not now" is an error with what it printed', async () => {
  await begin('monolith', 0, { broken: true });
  await expect(bringReviewsTo(environment, 1)).rejects.toThrow(
    /advance reviews .* ended with 3[^]*source is down/,
  );
});
