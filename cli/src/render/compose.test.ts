import { expect, test } from '@jest/globals';
import { defineConfig, defineSlice, fromEnv, parseBanyanConfig, type BanyanConfig } from '@banyan/contracts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderedFiles } from '../commands/config.ts';
import { projectRoot, sampleConfigFile } from '../home.ts';
import { renderCompose, renderPrometheus, RenderError } from './compose.ts';
import { renderTemplate } from './render-template.ts';

const template = readFileSync(join(projectRoot, 'compose', 'docker-compose.template.yml'), 'utf8');
const slice = defineSlice({ name: 'notes', title: 'Notes', routes: [{ path: '/notes' }], tables: [] });
const render = (config: BanyanConfig): string =>
  renderCompose({ config: parseBanyanConfig(config), template, workspaceOf: (main) => `of ${main}` });

test('the files that are checked in are as the declaration says', async () => {
  for (const [name, text] of Object.entries(await renderedFiles(sampleConfigFile))) {
    expect(`${name}\n${readFileSync(join(projectRoot, name), 'utf8')}`).toBe(`${name}\n${text}`);
  }
});

test('paths in what is rendered are there', () => {
  const compose = readFileSync(join(projectRoot, 'docker-compose.yml'), 'utf8');
  const paths = [...compose.matchAll(/'((?:\w[\w-]*\/)+[\w.-]+\.[jt]s)'/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
});

test('a monolith elsewhere with a database of its own leaves no server of ours, and its address is compose’s to set', () => {
  const config = defineConfig({
    monolith: { urls: ['http://10.0.0.1:3000', 'http://10.0.0.2:3000'], ready: '/up' },
    source: { url: fromEnv('SOURCE_URL'), topicPrefix: 'conduit', outbox: 'public.outbox' },
    slices: [
      { slice, service: { main: 'extracted/notes/src/main.ts', env: { MAIL_KEY: fromEnv('MAIL_KEY') } } },
    ],
    services: [{ name: 'mail', urls: ['http://10.0.0.9:1'] }],
    limits: { gateGraceMs: 7, busMaxBytes: 99_000_000 },
  });
  const text = render(config);
  for (const part of [
    "SOURCE_URL: '${SOURCE_URL:?set it in .env}'",
    'SLOT_NAME: banyan_conduit',
    "OUTBOX_TABLE: '${OUTBOX_TABLE:-public.outbox}'",
    "MONOLITH_URL: 'http://10.0.0.1:3000,http://10.0.0.2:3000'",
    'SERVICE_URLS: notes=http://notes:4000',
    "MAIL_KEY: '${MAIL_KEY:?set it in .env}'",
    "SERVICES: 'of extracted/notes/src/main.ts'",
    "GATE_GRACE_MS: '7'",
    "BUS_MAX_BYTES: '99000000'",
    'READY_PATH: /up',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toMatch(/image: postgres|^ {2}monolith:|^ {2}mail:|MONOLITH_PASSWORD|monolith: \{/m);
  expect(renderPrometheus(parseBanyanConfig(config))).toContain("targets: ['notes:4000']");
});

test('without a database there is no feed, and a program that the image lacks is refused', () => {
  const bare = render({
    monolith: { command: ['node', 'app.ts'], env: { KEY_FILE: '{secret.key-of-app}', PRICE: '$5' } },
    slices: [{ slice, service: { command: ['node', 'notes.ts', '{port}'] } }],
  });
  expect(bare).not.toMatch(/^ {2}(reader|prepare):|reader: \{/m);
  expect(bare).toContain("command: ['node', 'notes.ts', '4000']");
  expect(bare).toContain('feed: &feed\n    {}');
  expect(bare).toContain("KEY: '${KEY_OF_APP_SECRET:?run: node script/compose-env.js}'");
  expect(bare).toContain("PRICE: '$$5'");
  expect(() =>
    render({
      monolith: { command: ['python3', 'site.py'] },
      slices: [{ slice, service: { command: ['ruby', 'x.rb'] } }],
    }),
  ).toThrow(RenderError);
});

test('a mark that nobody fills fails', () => {
  const filling = { blocks: {}, conditions: {} };
  expect(() => renderTemplate('a:\n  # @new\n', filling)).toThrow('"new"');
  expect(() => renderTemplate('# @if new\n', filling)).toThrow('"new"');
  expect(renderTemplate('a: 1 # no mark\n', filling)).toBe('a: 1 # no mark\n');
});
