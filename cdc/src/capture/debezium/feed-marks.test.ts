import { describe, expect, test } from '@jest/globals';
import { isAt, ofFeed, renderMarks, type FeedMarks } from './feed-connectors.ts';
import { gapOf, type FeedServer } from './feed-server.ts';

const marks: FeedMarks = {
  incarnation: 3,
  incarnationReason: 'the slot s was dropped',
  incarnationAtMs: 1_700_000_000_000,
  systemId: '7',
  timeline: '00000001',
  publicationId: '16400',
  anewReason: null,
  leftOut: {},
};

const database = { host: 'db', port: 5432, database: 'shop' };
const names = { connector: 'feed', slot: 's', database };

test('marks are read as they were written, and the newest incarnation comes first', () => {
  const older = {
    ...marks,
    incarnation: 2,
    anewReason: 'the publication p was dropped',
    leftOut: { 'public.t': 'too large' },
  };
  const connector = (name: string, config: Record<string, string>) => ({ name, config, status: null });
  const found = ofFeed(
    [
      // Of an earlier version, whose names did not have the slot.
      connector('feed.1', { 'slot.name': 's', 'topic.prefix': 'shop', ...renderMarks(older) }),
      connector('feed.s.2', { 'slot.name': 's', ...renderMarks(marks) }),
      connector('feeder.s.1', { 'slot.name': 's', ...renderMarks(marks) }),
      connector('feed.3', { 'slot.name': 'other', ...renderMarks(marks) }),
    ],
    names,
  );
  expect(found.map(({ name }) => name)).toEqual(['feed.s.2', 'feed.1']);
  expect(found.map((each) => each.marks)).toEqual([marks, older]);
});

test('a database is told by its whole address', () => {
  const config = { 'database.hostname': 'db', 'database.port': '5432', 'database.dbname': 'shop' };
  const at = (change: Record<string, string>): boolean =>
    isAt({ name: 'feed.1', config: { ...config, ...change }, status: null }, database);
  expect(at({})).toBe(true);
  expect(at({ 'database.hostname': 'other' })).toBe(false);
  expect(at({ 'database.port': '5433' })).toBe(false);
  expect(at({ 'database.dbname': 'other' })).toBe(false);
});

describe('changes may be missing', () => {
  const slot = {
    exists: true,
    activePid: '5',
    confirmedFlushLsn: '0/1',
    lostBecause: null,
    isOurs: true,
  };
  const server: FeedServer = { systemId: '7', timeline: '00000001', publicationId: '16400', slot };
  const ofServer = { slot: 's', publication: 'p' };

  test('not while all is as the connector began with it, read or not', () => {
    expect(gapOf(marks, server, ofServer)).toBeNull();
    expect(gapOf(marks, { ...server, slot: { ...slot, activePid: null } }, ofServer)).toBeNull();
  });

  test.each([
    ['another server', { systemId: '8' }, 'the database is on another server now'],
    ['a promotion', { timeline: '00000002' }, 'the server went over to timeline 00000002, from 00000001'],
    ['no slot', { slot: { ...slot, exists: false, isOurs: false } }, 'the slot s was dropped'],
    ['a slot that Debezium made', { slot: { ...slot, isOurs: false } }, 'made again by somebody else'],
    ['a slot without its WAL', { slot: { ...slot, lostBecause: 'wal_removed' } }, 'needs: wal_removed'],
    ['no publication', { publicationId: null }, 'the publication p was dropped'],
    ['another publication', { publicationId: '16500' }, 'the publication p was dropped and made again'],
  ])('with %s', (_, change, reason) => {
    expect(gapOf(marks, { ...server, ...change }, ofServer)).toContain(reason);
  });

  test('with a connector that somebody else has made, which has no marks', () => {
    const [foreign] = ofFeed([{ name: 'feed.9', config: { 'slot.name': 's' }, status: null }], names);
    expect(foreign && gapOf(foreign.marks, server, ofServer)).toBe('the database is on another server now');
  });
});
