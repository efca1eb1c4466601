import { describe, expect, test } from '@jest/globals';
import { ofFeed, renderMarks, type FeedMarks } from './feed-connectors.ts';
import { gapOf, type FeedServer } from './feed-server.ts';

const marks: FeedMarks = {
  ...{ incarnation: 3, incarnationReason: 'the slot s was dropped', incarnationAtMs: 1_700_000_000_000 },
  ...{ systemId: '7', timeline: '00000001', publicationId: '16400', anewReason: null },
};

test('marks are read as they were written, and the newest incarnation comes first', () => {
  const older = { ...marks, incarnation: 2, anewReason: 'the publication p was dropped' };
  const connector = (name: string, config: Record<string, string>) => ({ name, config, status: null });
  const found = ofFeed(
    [
      connector('feed.1', { 'topic.prefix': 'shop', ...renderMarks(older) }),
      connector('feed.2', renderMarks(marks)),
      connector('feeder.1', renderMarks(marks)),
    ],
    'feed',
  );
  expect(found.map(({ name }) => name)).toEqual(['feed.2', 'feed.1']);
  expect(found.map((each) => each.marks)).toEqual([marks, older]);
});

describe('changes may be missing', () => {
  const slot = {
    ...{ exists: true, activePid: '5', confirmedFlushLsn: '0/1', lostBecause: null, isOurs: true },
  };
  const server: FeedServer = { systemId: '7', timeline: '00000001', publicationId: '16400', slot };
  const names = { slot: 's', publication: 'p' };

  test('not while all is as the connector began with it, read or not', () => {
    expect(gapOf(marks, server, names)).toBeNull();
    expect(gapOf(marks, { ...server, slot: { ...slot, activePid: null } }, names)).toBeNull();
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
    expect(gapOf(marks, { ...server, ...change }, names)).toContain(reason);
  });

  test('with a connector that somebody else has made, which has no marks', () => {
    const [foreign] = ofFeed([{ name: 'feed.9', config: {}, status: null }], 'feed');
    expect(foreign && gapOf(foreign.marks, server, names)).toBe('the database is on another server now');
  });
});
