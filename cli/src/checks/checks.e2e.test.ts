/** What `up` needs of its surroundings, looked at with real folders, ports and databases that lack it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, findFreePort, type TestDatabase } from '@banyan/postgres';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openHome, projectRoot } from '../home.ts';
import { ensureInstallation, feedName } from '../supervise/installation.ts';
import { checkDatabase } from './check-database.ts';
import { checkHome } from './check-home.ts';
import { checkPort } from './check-port.ts';
import type { Finding } from './finding.ts';

const NOBODY = 65_534;
const folder = mkdtempSync(join(tmpdir(), 'banyan-checks-'));
chmodSync(folder, 0o755);
const role = `banyan_checks_${process.pid}`;
let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('checks');
  client = new pg.Client(database.url);
  await client.connect();
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'checks'`);
  await client.query('CREATE TABLE public.things (id bigint PRIMARY KEY)');
});
afterAll(async () => {
  await client.query(`DROP OWNED BY ${role}`);
  await client.query(`DROP ROLE ${role}`);
  await client.end();
  await database.drop();
  rmSync(folder, { recursive: true });
});

function urlAs(user: string, password: string): string {
  const url = new URL(database.url);
  [url.username, url.password] = [user, password];
  return url.href;
}

async function problems(url: string, tables = ['public.things']): Promise<Record<string, Finding>> {
  const findings = await checkDatabase({ url, feed: 'banyan_none', tables });
  return Object.fromEntries(
    findings.filter(({ verdict }) => verdict !== 'ok').map((each) => [each.check, each]),
  );
}

interface Ended {
  readonly code: number;
  readonly said: string;
}

/** Runs the command, by default as an account that has no rights, as most people are. */
function banyan(args: readonly string[], env: Record<string, string>, uid = NOBODY): Promise<Ended> {
  const given = { PATH: process.env['PATH'] ?? '', HOME: folder, ...env };
  const as = process.getuid?.() === 0 ? { uid, gid: uid } : {};
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(projectRoot, 'cli', 'bin', 'banyan.js'), ...args],
      { env: given, cwd: projectRoot, timeout: 60_000, ...as },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
        resolve({ code, said: stdout + stderr });
      },
    );
  });
}

describe('a database', () => {
  test('that has all of it is fit', async () => {
    expect(await problems(database.url)).toEqual({});
  });

  test('whose role lacks rights is told with the statement that gives each of them', async () => {
    const url = urlAs(role, 'checks');
    const before = await problems(url);
    expect(Object.keys(before).sort()).toEqual([
      'role may make the schema banyan',
      'role may replicate',
      'table public.things',
    ]);
    for (const { remedy } of Object.values(before)) await client.query(remedy ?? '');
    expect(await problems(url)).toEqual({});
    // Somebody else's schema of that name, and no right to make a publication.
    await client.query(`REVOKE CREATE ON DATABASE "${database.name}" FROM ${role}`);
    await client.query('CREATE SCHEMA banyan');
    await client.query(`REVOKE "${new URL(database.url).username}" FROM ${role}`);
    const after = await problems(url);
    expect(after).toMatchObject({
      'the schema banyan': { verdict: 'problem', got: expect.stringContaining('may not use it') },
      'role may make a publication': { verdict: 'problem' },
    });
    await client.query('DROP SCHEMA banyan');
  });

  test('without a table that a slice maps is warned about', async () => {
    expect(await problems(database.url, ['public.none'])).toMatchObject({
      'table public.none': { verdict: 'warning', got: 'there is no such table' },
    });
  });

  test.each([
    ['nobody listens', (url: URL) => (url.port = '1'), /nobody listens there \(ECONNREFUSED\)/],
    [
      'the password is wrong',
      (url: URL) => (url.password = 'no'),
      /password authentication failed|does not exist/,
    ],
    ['there is no such database', (url: URL) => (url.pathname = '/none'), /the database refuses: .*"none"/],
  ])('is told in words when %s', async (_, change, words) => {
    const url = new URL(urlAs(role, 'checks'));
    change(url);
    const [finding] = await checkDatabase({ url: url.href, feed: '', tables: [] });
    expect(finding).toMatchObject({ verdict: 'problem', got: expect.stringMatching(words) });
    expect(finding?.got).not.toContain('checks@');
  });

  test('address that is none is told', async () => {
    expect(await checkDatabase({ url: 'shop', feed: '', tables: [] })).toMatchObject([
      { verdict: 'problem' },
    ]);
  });
});

describe('a state folder', () => {
  test('that can be written leaves no trace of the look', () => {
    const home = openHome({ BANYAN_HOME: join(folder, 'new') });
    expect(checkHome(home)).toMatchObject({ verdict: 'ok' });
    expect(existsSync(home.dir)).toBe(false);
  });

  test('below a file is told', () => {
    writeFileSync(join(folder, 'file'), '');
    const finding = checkHome(openHome({ BANYAN_HOME: join(folder, 'file', 'home') }));
    expect(finding).toMatchObject({ verdict: 'problem', got: expect.stringContaining('ENOTDIR') });
  });

  test.each(['up', 'up --detach', 'up --dry-run'])('without rights ends `%s` in words', async (command) => {
    const dir = join(folder, 'roots');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { code, said } = await banyan(command.split(' '), { BANYAN_HOME: dir });
    expect([code, said]).toEqual([3, expect.stringMatching(/state folder: .*permission denied \(EACCES\)/)]);
    expect(said).not.toMatch(/\n\s+at /);
  });
});

describe('a port', () => {
  test('that is free or taken is told', async () => {
    expect(await checkPort(await findFreePort())).toMatchObject({ verdict: 'ok' });
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const finding = await checkPort(port);
    await new Promise((resolve) => taken.close(resolve));
    expect(finding).toMatchObject({
      got: expect.stringContaining('another process listens there'),
    });
  });

  const file = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  const isOpen = existsSync(file) && Number(readFileSync(file, 'utf8')) <= 80;
  (isOpen ? test.skip : test)(
    `below 1024 ends \`up\` in words${isOpen ? ' (skipped: this machine gives them to everybody)' : ''}`,
    async () => {
      const dir = mkdtempSync(join(folder, 'port-'));
      chmodSync(dir, 0o777);
      const { code, said } = await banyan(['up', '--port', '80', '--json'], {
        BANYAN_HOME: join(dir, 'home'),
      });
      expect([code, said]).toEqual([3, expect.stringContaining('port-forbidden')]);
      expect(said).toContain('banyan up --port 8080');
    },
  );
});

describe('an installation', () => {
  test('has an id of its own, made once', () => {
    const [one, other] = ['one', 'other'].map((name) => {
      const home = openHome({ BANYAN_HOME: join(folder, name) });
      mkdirSync(home.dir);
      expect(feedName(home)).toBeNull();
      ensureInstallation(home);
      const name_ = feedName(home);
      ensureInstallation(home);
      expect(feedName(home)).toBe(name_);
      return name_;
    });
    expect(one).toMatch(/^banyan_[0-9a-f]{8}$/);
    expect(one).not.toBe(other);
  });

  test('that was begun before there were ids keeps the name that it had', () => {
    const home = openHome({ BANYAN_HOME: join(folder, 'old') });
    mkdirSync(home.dir);
    writeFileSync(home.file('bus.sqlite'), '');
    expect(feedName(home)).toBe('banyan_shop');
    ensureInstallation(home);
    writeFileSync(home.file('stack'), 'embedded\n');
    expect(feedName(home)).toBe('banyan_shop');
  });

  test('whose id was spoilt is told, not guessed', () => {
    const home = openHome({ BANYAN_HOME: join(folder, 'spoilt') });
    mkdirSync(home.dir);
    writeFileSync(home.file('installation'), 'x"; DROP');
    expect(() => feedName(home)).toThrow(/holds no id/);
  });
});
