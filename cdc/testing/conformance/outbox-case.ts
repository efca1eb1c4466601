import { outboxTopic } from '@banyan/contracts';
import type { ConformanceCase } from './conformance-case.ts';

/** The table that both readers are told to be the outbox. */
export const OUTBOX_TABLE = 'public.outbox';

/** The longest type that has a topic of its own, and one that is too long. */
const LONGEST = 'l'.repeat(236);
const TOO_LONG = 'l'.repeat(237);

/** @param n Last digits of the event's id. */
function write(n: number, type: string, payload: string, aggregateId = `'17'`): string {
  const id = `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
  return `INSERT INTO outbox (id, aggregatetype, aggregateid, payload) VALUES ('${id}', ${type}, ${aggregateId}, ${payload})`;
}

const idIs = (n: number): string => `id::text LIKE '%${String(n).padStart(12, '0')}'`;
const NESTED = `'{"n": 9007199254740993, "d": 1.10, "far": 1e400, "of": {"list": [1, null, {"text": "ü \\" \\u0007 \\\\ 日本"}], "": {}}}'`;

/** An outbox beside a table that is written in the same transactions. */
export const outboxCase: ConformanceCase = {
  name: 'an outbox: events of several types, with every kind of payload, and what is no event',
  tables: ['public.sales', OUTBOX_TABLE],
  events: ['order', 'Invoice_paid-2', LONGEST, 'no topic'].map(outboxTopic),
  setup: `
    CREATE TABLE sales (id int PRIMARY KEY, total numeric);
    CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid varchar(255) NOT NULL,
      type text NOT NULL DEFAULT 'changed', payload jsonb, at timestamptz NOT NULL DEFAULT now());
    ${write(1, `'order'`, `'{"read": 1}'`)};
    ${write(2, `'order'`, `NULL`)};
    ${write(3, `'nö'`, `'{"read": 3}'`)}`,
  steps: [
    [
      'BEGIN',
      'INSERT INTO sales VALUES (1, 9.90)',
      write(11, `'order'`, `'{"total": 9.90}'`),
      'UPDATE sales SET total = 10 WHERE id = 1',
      write(12, `'Invoice_paid-2'`, NESTED, `'ü "1"'`),
      'COMMIT',
      ...[`'"text"'`, `'17'`, `'null'`, `'[]'`, `'""'`, 'NULL'].map((json, n) =>
        write(20 + n, `'order'`, json),
      ),
      write(
        30,
        `'order'`,
        `jsonb_build_object('long', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n))`,
      ),
      // Rows as outboxes usually leave them: gone with the transaction that wrote them.
      'BEGIN',
      write(31, `'order'`, `'{"left": false}'`),
      `DELETE FROM outbox WHERE ${idIs(31)}`,
      'COMMIT',
      `UPDATE outbox SET type = 'sent' WHERE ${idIs(20)}`,
      `UPDATE outbox SET payload = '{}' WHERE ${idIs(21)}`,
      `UPDATE outbox SET id = '00000000-0000-0000-0000-000000000099' WHERE ${idIs(22)}`,
      `DELETE FROM outbox WHERE ${idIs(23)}`,
      'BEGIN',
      write(32, `'order'`, `'{"rolled": "back"}'`),
      'ROLLBACK',
      ...[`''`, `'with space'`, `E'order\\nsecond line'`, `'größe'`, `'Invoice.paid-2'`, `'${TOO_LONG}'`].map(
        (type, n) => write(40 + n, type, `'{"unnamed": ${n}}'`),
      ),
      write(50, `'${LONGEST}'`, `'{}'`),
      'TRUNCATE outbox',
      write(51, `'order'`, `'{"after": "truncate"}'`),
      'TRUNCATE sales, outbox',
      'INSERT INTO sales VALUES (2, 1)',
    ],
    [
      'ALTER TABLE outbox ALTER payload TYPE text, ADD COLUMN more int',
      ...[`'plain'`, `''`, `'{"not":  "parsed" }'`, 'NULL'].map((text, n) => write(60 + n, `'order'`, text)),
      'ALTER TABLE outbox ALTER payload TYPE json USING NULL, ALTER aggregateid TYPE bigint USING 0, ALTER id TYPE text',
      write(70, `'order'`, `'{"written":  "as it is" }'`, '9007199254740993'),
      'ALTER TABLE outbox ALTER aggregateid TYPE uuid USING gen_random_uuid(), ALTER aggregatetype TYPE varchar(80)',
      write(71, `'order'`, `'{}'`, `'00000000-0000-0000-0000-0000000000AA'`),
      `DELETE FROM outbox`,
    ],
  ],
};
