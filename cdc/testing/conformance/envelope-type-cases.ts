/** One value of one type: how it is written, and what an envelope holds. The tests run it, the reference page shows it. */
export interface EnvelopeTypeCase {
  readonly type: string;
  /** The value in SQL, of that type. */
  readonly sql: string;
  readonly value: unknown;
  /** Why Debezium has something else. Undefined where both have the same. */
  readonly differs?: string;
  /** What Debezium has instead; undefined where it leaves the column out. */
  readonly debezium?: unknown;
  /** What Debezium has in rows of a table snapshot, where that is something else again. */
  readonly debeziumRead?: unknown;
  /** Debezium's connector does not even start while a type like this is in the database. */
  readonly stopsDebezium?: true;
}

/** Types of the database's own that the cases use, and the extensions that they come from; those that Debezium bears. */
export const debeziumTypeSetup = `
  CREATE EXTENSION hstore;
  CREATE EXTENSION citext;
  CREATE EXTENSION ltree;
  CREATE SCHEMA "Größen";
  CREATE TYPE mood AS ENUM ('happy', 'sad', 'so, "so"');
  CREATE TYPE "Größen"."Maß" AS ENUM ('groß', 'klein');
  CREATE TYPE place AS (street text, number int, since timestamptz);
  CREATE DOMAIN price AS numeric(8,2);
  CREATE DOMAIN positive AS int CHECK (value > 0);
  CREATE DOMAIN whole AS positive;
  CREATE DOMAIN flag AS bit(1);
  CREATE DOMAIN instant AS timestamptz(3);
  CREATE DOMAIN wholes AS whole[];
  CREATE DOMAIN labels AS hstore;
  CREATE DOMAIN "Tag" AS date;`;

/** All of them. */
export const envelopeTypeSetup = `${debeziumTypeSetup}
  CREATE DOMAIN feeling AS mood;`;

const nested = 'Debezium tells one dimension only';
const noConverter = 'Debezium leaves the column out: it has no converter for such arrays';
const unknown = 'Debezium leaves the column out: it does not know the type';
const notANumber = 'Debezium has the names of its own constants, which PostgreSQL does not take back';
const unread = 'Debezium cannot convert it, and says so in its log alone';
const structure = "Debezium has an object; field values here are plain, so PostgreSQL's text stays";
const bits =
  'Debezium has base64 of little-endian bytes without zero bytes at the end, which tells 0001 and 01 alike';
const infiniteDate = 'Debezium has days that say nothing';

/** Grouped by kind. `numeric` and `interval` are as Debezium has them with its handling modes set to `string`. */
export const envelopeTypeCases: Readonly<Record<string, readonly EnvelopeTypeCase[]>> = {
  Numbers: [
    { type: 'smallint', sql: '-32768', value: -32768 },
    { type: 'integer', sql: '2147483647', value: 2147483647 },
    { type: 'bigint', sql: '42', value: 42 },
    { type: 'bigint', sql: '9007199254740993', value: 9007199254740993n },
    { type: 'bigint', sql: '-9223372036854775808', value: -9223372036854775808n },
    { type: 'oid', sql: '4294967295', value: 4294967295 },
    { type: 'numeric', sql: '12345678901234567890.0100', value: '12345678901234567890.0100' },
    { type: 'numeric(10,2)', sql: '1.5', value: '1.50' },
    { type: 'numeric', sql: '1e-20', value: '0.00000000000000000001' },
    { type: 'numeric', sql: `'NaN'`, value: 'NaN', differs: notANumber, debezium: 'NAN' },
    {
      type: 'numeric',
      sql: `'-Infinity'`,
      value: '-Infinity',
      differs: notANumber,
      debezium: 'NEGATIVE_INFINITY',
    },
    { type: 'real', sql: '0.1', value: 0.1 },
    { type: 'double precision', sql: '0.1::float8 + 0.2', value: 0.30000000000000004 },
    { type: 'double precision', sql: '1e300', value: 1e300 },
    { type: 'double precision', sql: '5e-324', value: 5e-324 },
    { type: 'double precision', sql: `'NaN'`, value: 'NaN' },
    { type: 'real', sql: `'-Infinity'`, value: '-Infinity' },
    {
      type: 'double precision',
      sql: `'-0'`,
      value: 0,
      differs: 'Debezium has -0.0; JSON numbers of JavaScript have no -0, and PostgreSQL calls both equal',
      debezium: -0,
    },
    {
      type: 'money',
      sql: `'1234.50'`,
      value: '$1,234.50',
      differs: "the text here is PostgreSQL's own, by the database's lc_monetary",
      debezium: '1234.50',
    },
  ],
  'Truth and bits': [
    { type: 'boolean', sql: 'true', value: true },
    { type: 'boolean', sql: 'false', value: false },
    { type: 'bit(1)', sql: `B'1'`, value: true },
    { type: 'flag', sql: `B'0'`, value: false },
    { type: 'bit(4)', sql: `B'0101'`, value: '0101', differs: bits, debezium: 'BQ==' },
    { type: 'bit varying(8)', sql: `B'0001'`, value: '0001', differs: bits, debezium: 'AQ==' },
  ],
  Texts: [
    { type: 'text', sql: `'ü, "q", \\, 日本 😀'`, value: 'ü, "q", \\, 日本 😀' },
    { type: 'text', sql: `''`, value: '' },
    { type: 'text', sql: `'infinity'`, value: 'infinity' },
    { type: 'varchar(10)', sql: `'abc '`, value: 'abc ' },
    { type: 'char(5)', sql: `'ab'`, value: 'ab   ' },
    { type: '"char"', sql: `'x'`, value: 'x' },
    {
      type: 'name',
      sql: `'pg_class'`,
      value: 'pg_class',
      differs: 'Debezium does not know the type while streaming',
      debezium: null,
      debeziumRead: 'pg_class',
    },
    { type: 'citext', sql: `'As It Is'`, value: 'As It Is' },
    { type: 'xml', sql: `'<a b="c">d</a>'`, value: '<a b="c">d</a>' },
    { type: 'ltree', sql: `'Top.Science.Astronomy'`, value: 'Top.Science.Astronomy' },
    { type: 'tsvector', sql: `'a:1 b:2'`, value: "'a':1 'b':2" },
    {
      type: 'uuid',
      sql: `'3F0C2A4E-0000-4000-8000-000000000001'`,
      value: '3f0c2a4e-0000-4000-8000-000000000001',
    },
    { type: 'bytea', sql: `'\\x00ff10'`, value: 'AP8Q' },
    { type: 'bytea', sql: `''`, value: '' },
  ],
  Documents: [
    { type: 'json', sql: `'{"a":  1}'`, value: '{"a":  1}' },
    { type: 'jsonb', sql: `'{"a":  9007199254740993}'`, value: '{"a": 9007199254740993}' },
    { type: 'jsonb', sql: `'null'`, value: 'null' },
    {
      type: 'hstore',
      sql: `'a=>1, "b c"=>NULL, "10"=>"\\"q\\""'`,
      value: '{"a":"1","10":"\\"q\\"","b c":null}',
      differs: 'the order of keys, which an hstore does not have',
      debezium: '{"a":"1","b c":null,"10":"\\"q\\""}',
    },
    { type: 'hstore', sql: `''`, value: '{}' },
    { type: 'labels', sql: `'a=>1'`, value: '{"a":"1"}' },
  ],
  'Dates and times': [
    { type: 'date', sql: `'2026-01-02'`, value: 20455 },
    {
      type: 'date',
      sql: `'0044-03-15 BC'`,
      value: -735160,
      differs: 'Debezium loses BC in table snapshots',
      debezium: -735160,
      debeziumRead: -703383,
    },
    { type: 'date', sql: `'5874897-12-31'`, value: 2145042905 },
    {
      type: 'date',
      sql: `'infinity'`,
      value: 'infinity',
      differs: infiniteDate,
      debezium: -2147472692,
      debeziumRead: -622191234,
    },
    {
      type: 'date',
      sql: `'-infinity'`,
      value: '-infinity',
      differs: infiniteDate,
      debezium: -2147472691,
      debeziumRead: -625821272,
    },
    { type: 'time', sql: `'03:04:05.000001'`, value: 11045000001 },
    { type: 'time(0)', sql: `'24:00'`, value: 86400000000 },
    { type: 'timetz', sql: `'03:04:05+02'`, value: '01:04:05Z' },
    { type: 'timetz', sql: `'23:59:59.5-00:30'`, value: '00:29:59.5Z' },
    { type: 'timestamp', sql: `'2026-01-02 03:04:05.123456'`, value: 1767323045123456 },
    { type: 'timestamp(3)', sql: `'1969-12-31 23:59:59.999'`, value: -1000 },
    { type: 'timestamp', sql: `'0044-03-15 12:00 BC'`, value: -63517780800000000n },
    { type: 'timestamp', sql: `'294247-01-10 04:00:54.775807'`, value: 9223372036854775807n },
    {
      type: 'timestamp',
      sql: `'294276-12-31 23:59:59.999999'`,
      value: 9224318015999999999n,
      differs: 'beyond 64 bits, which Debezium does not carry: it overflows',
      debezium: -9223372036853775810n,
    },
    { type: 'timestamp', sql: `'infinity'`, value: 9223372036825200000n },
    { type: 'timestamp', sql: `'-infinity'`, value: -9223372036832400000n },
    { type: 'timestamptz', sql: `'2026-01-02 05:04:05.678901+02'`, value: '2026-01-02T03:04:05.678901Z' },
    { type: 'timestamptz', sql: `'2026-01-02 03:04:05+00'`, value: '2026-01-02T03:04:05.000000Z' },
    { type: 'timestamptz(3)', sql: `'2026-01-02 03:04:05.1+00'`, value: '2026-01-02T03:04:05.100Z' },
    { type: 'timestamptz(0)', sql: `'2026-01-02 03:04:05+00'`, value: '2026-01-02T03:04:05Z' },
    { type: 'timestamptz', sql: `'0044-03-15 12:00+00 BC'`, value: '-0043-03-15T12:00:00.000000Z' },
    { type: 'timestamptz', sql: `'12026-01-02 00:00+00'`, value: '+12026-01-02T00:00:00.000000Z' },
    { type: 'timestamptz', sql: `'infinity'`, value: 'infinity' },
    { type: 'interval', sql: `'1 year 2 mons 3 days 04:05:06.78'`, value: 'P1Y2M3DT4H5M6.78S' },
    { type: 'interval', sql: `'0'`, value: 'P0Y0M0DT0H0M0S' },
    { type: 'interval', sql: `'-1 year -2 mons +3 days -04:05:06.789'`, value: 'P-1Y-2M3DT-4H-5M-6.789S' },
  ],
  Networks: [
    { type: 'inet', sql: `'10.0.0.1'`, value: '10.0.0.1' },
    { type: 'inet', sql: `'2001:db8::1/64'`, value: '2001:db8::1/64' },
    { type: 'cidr', sql: `'10.0.0.0/8'`, value: '10.0.0.0/8' },
    { type: 'macaddr', sql: `'08-00-2b-01-02-03'`, value: '08:00:2b:01:02:03' },
    { type: 'macaddr8', sql: `'08:00:2b:01:02:03:04:05'`, value: '08:00:2b:01:02:03:04:05' },
  ],
  'Ranges and shapes': [
    { type: 'int4range', sql: `'[1,5]'`, value: '[1,6)' },
    { type: 'numrange', sql: `'(1.5,]'`, value: '(1.5,)' },
    { type: 'daterange', sql: `'[2026-01-01,2026-02-01)'`, value: '[2026-01-01,2026-02-01)' },
    {
      type: 'tstzrange',
      sql: `'[2026-01-01 00:00+00,)'`,
      value: '["2026-01-01 00:00:00+00",)',
    },
    { type: 'int4multirange', sql: `'{[1,2],[5,6]}'`, value: '{[1,3),[5,7)}', differs: unknown },
    {
      type: 'point',
      sql: `'(1.5,-2)'`,
      value: '(1.5,-2)',
      differs: structure,
      debezium: { x: 1.5, y: -2, wkb: 'AQEAAAAAAAAAAAD4PwAAAAAAAADA', srid: null },
    },
    { type: 'box', sql: `'(1,1),(0,0)'`, value: '(1,1),(0,0)', differs: structure },
    { type: 'circle', sql: `'<(0,0),1>'`, value: '<(0,0),1>', differs: structure },
  ],
  "The database's own types": [
    { type: 'mood', sql: `'so, "so"'`, value: 'so, "so"' },
    { type: '"Größen"."Maß"', sql: `'groß'`, value: 'groß' },
    {
      type: 'feeling',
      sql: `'sad'`,
      value: 'sad',
      differs: 'Debezium 3.6.3 does not start while the database has a domain over an enumeration',
      stopsDebezium: true,
    },
    { type: 'price', sql: '9.9', value: '9.90' },
    { type: 'whole', sql: '5', value: 5 },
    { type: '"Tag"', sql: `'1970-01-02'`, value: 1 },
    { type: 'instant', sql: `'2026-01-02 03:04:05.1239+00'`, value: '2026-01-02T03:04:05.124Z' },
    {
      type: 'place',
      sql: `ROW('Am "Tor", 1', 2, '2026-01-02 03:04:05+00')`,
      value: '("Am ""Tor"", 1",2,"2026-01-02 03:04:05+00")',
      differs: unknown,
    },
    { type: 'pg_lsn', sql: `'16/B374D848'`, value: '16/B374D848', differs: unknown },
  ],
  Arrays: [
    { type: 'int[]', sql: `'{1,NULL,3}'`, value: [1, null, 3] },
    { type: 'int[]', sql: `'{}'`, value: [] },
    { type: 'int[]', sql: `'[0:1]={1,2}'`, value: [1, 2] },
    {
      type: 'int[]',
      sql: `'{{1,2},{3,NULL}}'`,
      value: [
        [1, 2],
        [3, null],
      ],
      differs: nested,
      debezium: [null, null],
    },
    { type: 'bigint[]', sql: `'{9007199254740993}'`, value: [9007199254740993n] },
    {
      type: 'text[]',
      sql: `ARRAY['a,b', 'NULL', NULL, '', '{}', ' "q\\" ']`,
      value: ['a,b', 'NULL', null, '', '{}', ' "q\\" '],
    },
    { type: 'varchar(3)[]', sql: `'{abc,日本}'`, value: ['abc', '日本'] },
    { type: 'char(3)[]', sql: `'{a}'`, value: ['a  '] },
    { type: 'citext[]', sql: `'{Ab}'`, value: ['Ab'] },
    { type: 'numeric[]', sql: `'{1.10,NaN}'`, value: ['1.10', 'NaN'], differs: unread, debezium: null },
    { type: 'double precision[]', sql: `'{0.1,Infinity}'`, value: [0.1, 'Infinity'] },
    { type: 'boolean[]', sql: `'{t,f}'`, value: [true, false] },
    { type: 'timestamptz(3)[]', sql: `'{2026-01-02 03:04:05.1+00}'`, value: ['2026-01-02T03:04:05.100Z'] },
    { type: 'timestamp[]', sql: `'{1970-01-01 00:00:01}'`, value: [1000000] },
    {
      type: 'date[]',
      sql: `'{1970-01-02,infinity}'`,
      value: [1, 'infinity'],
      differs: infiniteDate,
      debezium: [1, -622191234],
    },
    { type: 'time[]', sql: `'{00:00:01}'`, value: [1000000] },
    { type: 'timetz[]', sql: `'{00:00:01+00}'`, value: ['00:00:01Z'] },
    {
      type: 'uuid[]',
      sql: `'{3f0c2a4e-0000-4000-8000-000000000001}'`,
      value: ['3f0c2a4e-0000-4000-8000-000000000001'],
    },
    { type: 'jsonb[]', sql: `ARRAY['{"a": [1, "x"]}'::jsonb]`, value: ['{"a": [1, "x"]}'] },
    { type: 'bytea[]', sql: `ARRAY['\\x00ff'::bytea]`, value: ['AP8='] },
    { type: 'inet[]', sql: `'{10.0.0.1}'`, value: ['10.0.0.1'] },
    { type: 'int4range[]', sql: `ARRAY['[1,2)'::int4range]`, value: ['[1,2)'] },
    { type: 'hstore[]', sql: `ARRAY['a=>1'::hstore]`, value: ['{"a":"1"}'] },
    { type: 'ltree[]', sql: `'{a.b,c}'`, value: ['a.b', 'c'] },
    {
      type: 'mood[]',
      sql: `ARRAY['happy', NULL, 'so, "so"']::mood[]`,
      value: ['happy', null, 'so, "so"'],
      differs: unread,
      debezium: null,
    },
    { type: '"Größen"."Maß"[]', sql: `'{klein}'`, value: ['klein'] },
    { type: 'interval[]', sql: `'{1 day}'`, value: ['P0Y0M1DT0H0M0S'], differs: noConverter },
    { type: 'money[]', sql: `'{1}'`, value: ['$1.00'], differs: noConverter },
    { type: 'xml[]', sql: `ARRAY['<a/>'::xml]`, value: ['<a/>'], differs: noConverter },
    { type: 'bit(1)[]', sql: `'{1,0}'`, value: [true, false], differs: unread, debezium: null },
    { type: 'point[]', sql: `'{"(1,2)"}'`, value: ['(1,2)'], differs: noConverter },
    {
      type: 'box[]',
      sql: `'{(1,1),(0,0);(2,2),(0,0)}'`,
      value: ['(1,1),(0,0)', '(2,2),(0,0)'],
      differs: noConverter,
    },
    {
      type: 'whole[]',
      sql: `'{1,2}'`,
      value: [1, 2],
      differs: 'Debezium leaves the column out: arrays of domains are not converted',
    },
    {
      type: 'wholes',
      sql: `'{1,2}'`,
      value: [1, 2],
      differs: 'Debezium leaves the column out: arrays of domains are not converted',
    },
    { type: 'place[]', sql: `ARRAY[ROW('a', 1, NULL)::place]`, value: ['(a,1,)'], differs: unknown },
  ],
};
