import { expect, test } from '@jest/globals';
import { parseExactJson, type EnvelopeSource } from '@banyan/contracts';
import { envelopeSource, envelopeText } from '../../rows/envelope.ts';
import { readEnvelopes } from './read-envelope.ts';

const source: EnvelopeSource = envelopeSource(
  { prefix: 'shop', database: 'd' },
  { schema: 'public', table: 't' },
  { atUs: 1_700_000_000_000_001n, snapshot: 'incremental' },
);

test.each([
  ['small numbers', { id: 1, name: 'a "quoted" \u2028 name', gone: null, ok: true }],
  ['an integer beyond 2^53', { id: 9007199254740993n, name: 'x' }],
  ['such an integer inside an array', { id: 1, many: [1, 9007199254740993n, null] }],
])('is the same envelope as any other one with %s', (_what, after) => {
  const withoutTime = (text: string): string => text.replaceAll(/,"ts_(ms|us|ns)":\d+}?(?=,"ts_|$)/g, '');
  const fast = readEnvelopes(source)(after);
  const plain = envelopeText('r', { before: null, after }, source);
  expect(withoutTime(fast)).toBe(withoutTime(plain));
  expect(Object.keys(parseExactJson(fast) as object)).toEqual(Object.keys(parseExactJson(plain) as object));
  expect(parseExactJson(fast)).toMatchObject({ after, ts_ms: expect.any(Number) as unknown });
});
