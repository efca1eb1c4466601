import { describe, expect, test } from '@jest/globals';
import { postgresMisfit } from './fit-postgres.ts';
import { sqliteMisfit } from './fit-sqlite.ts';
import { parseSourceType } from './source-type.ts';

describe('into SQLite', () => {
  test.each<[source: string, target: string, misfit: RegExp | null]>([
    ['bigint', 'INTEGER', null],
    ['bigint', 'BIGINT', null],
    ['bigint', 'REAL', /2\^53/],
    ['integer', 'REAL', null],
    ['numeric(10,2)', 'TEXT', null],
    ['numeric(10,2)', 'REAL', /lose digits; use TEXT/],
    ['numeric', 'NUMERIC', /lose digits/],
    ['numeric', 'DECIMAL(10,2)', /lose digits/],
    ['double precision', 'REAL', null],
    ['real', 'TEXT', /15 digits/],
    ['boolean', 'BOOLEAN', null],
    ['character varying(20)', 'VARCHAR(5)', null],
    ['text', 'NUMERIC', /looks like a number/],
    ['text', 'INTEGER', /looks like a number/],
    ['text', '', null],
    ['uuid', 'TEXT', null],
    ['uuid', 'INTEGER', /comes as text/],
    ['timestamp with time zone', 'TEXT', null],
    ['timestamp with time zone', 'DATETIME', null],
    ['timestamp(3) with time zone', 'INTEGER', /comes as text/],
    ['timestamp without time zone', 'INTEGER', null],
    ['timestamp without time zone', 'REAL', /microseconds/],
    ['bytea', 'TEXT', null],
    ['bytea', 'BLOB', /base64/],
    ['integer[]', 'TEXT', null],
    ['integer[]', 'INTEGER', /JSON text/],
    ['mood', 'TEXT', null],
  ])('%s -> %s', (source, target, misfit) => {
    const found = sqliteMisfit(parseSourceType(source), target, false);
    if (misfit === null) expect(found).toBeNull();
    else expect(found).toMatch(misfit);
  });

  test('a numeric key needs a numeric column, or ranges would be others', () => {
    expect(sqliteMisfit(parseSourceType('bigint'), 'TEXT', true)).toMatch(/sort as text/);
  });
});

describe('into PostgreSQL', () => {
  test.each<[source: string, target: string, misfit: RegExp | null]>([
    ['integer', 'bigint', null],
    ['bigint', 'integer', /refused; use bigint/],
    ['bigint', 'numeric', null],
    ['bigint', 'numeric(10,0)', /use bigint/],
    ['bigint', 'double precision', /lose digits/],
    ['integer', 'double precision', null],
    ['integer', 'numeric(12,2)', /zeros/],
    ['integer', 'text', null],
    ['integer', 'date', /use integer/],
    ['numeric(10,2)', 'numeric(12,2)', null],
    ['numeric(10,2)', 'numeric', null],
    ['numeric(10,2)', 'numeric(8,2)', /refused/],
    ['numeric(10,4)', 'numeric(10,2)', /digits/],
    ['numeric', 'numeric(30,10)', /digits/],
    ['numeric', 'double precision', /lose digits; use numeric/],
    ['real', 'double precision', null],
    ['double precision', 'real', /lose digits/],
    ['character varying(20)', 'text', null],
    ['character varying(20)', 'character varying(20)', null],
    ['character varying(20)', 'character varying(10)', /longer texts/],
    ['text', 'character varying(10)', /longer texts/],
    ['text', 'character(10)', /blanks/],
    ['character(3)', 'character(3)', null],
    ['text', 'jsonb', /anything/],
    ['json', 'jsonb', /otherwise; use json/],
    ['jsonb', 'json', null],
    ['boolean', 'smallint', null],
    ['boolean', 'date', /boolean/],
    ['date', 'date', null],
    ['date', 'timestamp without time zone', /use date/],
    ['timestamp with time zone', 'date', /lose its zone/],
    ['timestamp with time zone', 'timestamp without time zone', /lose its zone/],
    ['timestamp with time zone', 'timestamp(3) with time zone', /same precision/],
    ['timestamp(3) with time zone', 'timestamp with time zone', /same precision/],
    ['timestamp without time zone', 'timestamp(3) without time zone', /rounded/],
    ['timestamp(3) without time zone', 'timestamp without time zone', null],
    ['timestamp without time zone', 'bigint', null],
    ['timestamp without time zone', 'timestamp with time zone', /use timestamp/],
    ['time without time zone', 'time without time zone', null],
    ['bytea', 'bytea', null],
    ['bytea', 'text', null],
    ['uuid', 'uuid', null],
    ['uuid', 'inet', /use uuid/],
    ['integer[]', 'bigint[]', null],
    ['bigint[]', 'integer[]', /use bigint/],
    ['text[]', 'jsonb', /otherwise/],
    ['text[]', 'text', null],
    ['box[]', 'box[]', /another delimiter; use text\[\]/],
    ['box[]', 'text[]', null],
    ['public.mood', 'public.mood', null],
    ['"Odd Type"', 'text', null],
  ])('%s -> %s', (source, target, misfit) => {
    const found = postgresMisfit(parseSourceType(source), target, false);
    if (misfit === null) expect(found).toBeNull();
    else expect(found).toMatch(misfit);
  });
});
