import { expect, test } from '@jest/globals';
import { endTransaction, transactionText } from './waits-text.ts';

const session = {
  pid: 4711,
  prepared: null,
  database: 'crm',
  application: 'psql',
  state: 'idle in transaction',
  ageMs: 720_000,
  queryAgeMs: 660_000,
};
const prepared = {
  pid: null,
  prepared: "it's",
  database: 'crm',
  application: null,
  state: null,
  ageMs: 5_000,
  queryAgeMs: null,
};

test('a session is told with its process, its age and when its query began, and with what ends it', () => {
  expect(transactionText(session)).toBe(
    'process 4711 (database crm, psql, idle in transaction), open for 12 min, last query began 11 min ago',
  );
  expect(endTransaction(session)).toContain('SELECT pg_terminate_backend(4711);');
  expect(transactionText({ ...session, database: null, application: null, state: null, ageMs: null })).toBe(
    'process 4711, open for unknown, last query began 11 min ago',
  );
});

test('a prepared transaction is told by its name', () => {
  expect(transactionText(prepared)).toBe("prepared transaction 'it's' (database crm), open for 5 s");
  expect(endTransaction(prepared)).toBe("in the database crm: COMMIT PREPARED 'it''s'; or ROLLBACK PREPARED");
});
