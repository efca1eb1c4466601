/** Exits 0 when somebody reads the slot `SLOT_NAME` at this moment, else 1 with the reason: a container's health. */
import { readConfig } from '@banyan/kit';
import pg from 'pg';
import { readerConfig } from './config.ts';

const { sourceUrl, slot } = readerConfig;
/** Longest time to connect, and for the answer, milliseconds. */
const DEADLINE_MS = 3_000;

try {
  const settings = readConfig({ sourceUrl, slot });
  const client = new pg.Client({
    connectionString: settings.sourceUrl,
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: DEADLINE_MS,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ active: boolean }>(
      'SELECT active FROM pg_replication_slots WHERE slot_name = $1',
      [settings.slot],
    );
    if (rows[0]?.active !== true) throw new Error(`nobody reads the slot ${settings.slot}`);
  } finally {
    await client.end();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
