import { expect, test } from '@jest/globals';
import { arrayDecoderOf, decoderOf } from './field-values.ts';

test.each([
  ['bool', 't', true],
  ['bool', 'f', false],
  ['int2', '-32768', -32768],
  ['int4', '2147483647', 2147483647],
  ['int8', '9007199254740991', 9007199254740991],
  ['int8', '9007199254740993', 9007199254740993n],
  ['int8', '-9223372036854775808', -9223372036854775808n],
  ['numeric', '10.50', '10.50'],
  ['numeric', '0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
  ['float8', '0.1', 0.1],
  ['float8', 'NaN', 'NaN'],
  ['float4', '-Infinity', '-Infinity'],
  ['text', '', ''],
  ['varchar', 'NULL', 'NULL'],
  ['bpchar', 'ab  ', 'ab  '],
  ['uuid', '3f0c2a4e-0000-4000-8000-000000000001', '3f0c2a4e-0000-4000-8000-000000000001'],
  ['jsonb', '{"k": 9007199254740993}', '{"k": 9007199254740993}'],
  ['bytea', '\\x', ''],
  ['bytea', '\\x00ff10', 'AP8Q'],
  ['date', '2026-01-02', 20455],
  ['date', '1969-12-31', -1],
  ['date', '0001-01-01 BC', -719528],
  ['date', '10000-01-01', 2932897],
  ['date', '5874897-12-31', 2145042905],
  ['date', '4714-11-24 BC', -2440588],
  ['date', '2000-02-29', 11016],
  ['date', 'infinity', 'infinity'],
  ['time', '00:00:00', 0],
  ['time', '23:59:59.000001', 86399000001],
  ['timetz', '01:30:00.5+02', '23:30:00.5Z'],
  ['timetz', '23:30:00-05:30', '05:00:00Z'],
  ['timetz', '24:00:00+00', '24:00:00Z'],
  ['timetz', '24:00:00+02', '22:00:00Z'],
  ['timetz', '00:00:00+15:59:59', '08:00:01Z'],
  ['timestamp', '2026-01-02 03:04:05.123456', 1767323045123456],
  ['timestamp', '1969-12-31 23:59:59.999999', -1],
  ['timestamp', '2026-01-02 03:04:05', 1767323045000000],
  ['timestamp', '9999-12-31 23:59:59.999999', 253402300799999999n],
  ['timestamp', '294276-12-31 23:59:59.999999', 9224318015999999999n],
  ['timestamp', '4713-01-01 00:00:00 BC', -210863520000000000n],
  ['timestamp', 'infinity', 9223372036825200000n],
  ['timestamp', '-infinity', -9223372036832400000n],
  ['timestamptz', '2026-01-02 03:04:05.678901+00', '2026-01-02T03:04:05.678901Z'],
  ['timestamptz', '2026-01-02 03:04:05+00', '2026-01-02T03:04:05.000000Z'],
  ['timestamptz', '2026-01-02 03:04:05.5+00', '2026-01-02T03:04:05.500000Z'],
  ['timestamptz', '0044-03-15 12:00:00+00 BC', '-0043-03-15T12:00:00.000000Z'],
  ['timestamptz', '0001-01-01 00:00:00+00 BC', '0000-01-01T00:00:00.000000Z'],
  ['timestamptz', '10000-01-01 00:00:00+00', '+10000-01-01T00:00:00.000000Z'],
  ['timestamptz', 'infinity', 'infinity'],
  ['interval', 'P1Y2M3DT4H5M6.5S', 'P1Y2M3DT4H5M6.5S'],
  ['interval', 'PT0S', 'P0Y0M0DT0H0M0S'],
  ['interval', 'P-1Y-2M3DT-4H-5M-6.789S', 'P-1Y-2M3DT-4H-5M-6.789S'],
  ['interval', 'PT-0.5S', 'P0Y0M0DT0H0M-0.5S'],
  ['interval', 'infinity', 'infinity'],
  ['float8', '-0', 0],
  ['citext', 'As It Is', 'As It Is'],
  ['hstore', '', '{}'],
  ['hstore', '"2"=>"b", "1"=>NULL, "a \\"q\\""=>"NULL"', '{"2":"b","1":null,"a \\"q\\"":"NULL"}'],
])('%s %j is %j', (type, text, value) => {
  expect(decoderOf(type)(text)).toEqual(value);
});

test('a modifier says how many digits and bits there are', () => {
  expect(decoderOf('timestamptz', 3)('2026-01-02 03:04:05.1+00')).toBe('2026-01-02T03:04:05.100Z');
  expect(decoderOf('timestamptz', 0)('2026-01-02 03:04:05+00')).toBe('2026-01-02T03:04:05Z');
  expect(decoderOf('bit', 1)('1')).toBe(true);
  expect(decoderOf('bit', 3)('101')).toBe('101');
});

test.each([
  ['text', '{a,NULL,"b c"}', ['a', null, 'b c']],
  ['int8', '{{1},{9007199254740993}}', [[1], [9007199254740993n]]],
  ['timestamptz', '{"2026-01-02 03:04:05+00"}', ['2026-01-02T03:04:05.000000Z']],
  ['hstore', '{"\\"a\\"=>\\"1\\"",NULL}', ['{"a":"1"}', null]],
])('array of %s %j is %j', (type, text, value) => {
  expect(arrayDecoderOf(decoderOf(type))(text)).toEqual(value);
});

test.each(['"a"', '"a"=>"b",', 'a=>b', '"a"=>"b" "c"=>"d"'])(
  'refuses %j as an hstore, and does not show it',
  (text) => {
    expect(() => decoderOf('hstore')(text)).toThrow(/^Not an hstore \(at character \d+\)\.$/);
  },
);
