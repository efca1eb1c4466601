import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BusCorruptError, BusFullError, BusStoreError } from '../bus-errors.ts';

/** Less than this free on the disk, and a refused write is the disk's fault, bytes. */
const DISK_FULL_BELOW_BYTES = 16 * 1024 * 1024;

/**
 * Runs something on the bus's file and turns the driver's errors into the bus's. knex puts the statement with its
 * values into a message, and values may be personal: only SQLite's part stays.
 *
 * @throws BusFullError, BusCorruptError, BusStoreError; other errors as they are.
 */
export async function onBusFile<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw await busFailure(file, cause);
  }
}

async function busFailure(file: string, cause: unknown): Promise<unknown> {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  if (!code.startsWith('SQLITE_')) return cause;
  const text = String((cause as { message?: unknown }).message);
  const message = text.slice(Math.max(0, text.lastIndexOf(code)));
  switch (code) {
    case 'SQLITE_FULL':
      return await fullError(file);
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return new BusCorruptError(corruptText(file, message));
    default:
      return new BusStoreError(code, `The bus ${file} failed: ${message}`);
  }
}

/** What is wrong and which commands mend it. */
export function corruptText(file: string, finding: string): string {
  return (
    `The bus's file ${file} is damaged (${finding}). Nothing is lost at the source. ` +
    `Stop everything (banyan down), put the file aside (mv ${file} ${file}.damaged; rm -f ${file}-wal ${file}-shm) ` +
    'and start again (banyan up): the feed begins anew, and every copy takes a new table snapshot.'
  );
}

async function fullError(file: string): Promise<BusFullError> {
  const folder = dirname(file);
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0, // a folder that cannot be asked is no place to write to either
  );
  if (free < DISK_FULL_BELOW_BYTES) {
    const found = `${free} bytes are free in ${folder}`;
    return new BusFullError(
      'disk',
      `The disk of the bus is full: ${found}. Nothing was stored; free some space there.`,
    );
  }
  return new BusFullError(
    'limit',
    `The bus ${file} has no room for these records: it has reached its limit. Nothing was stored; it goes on once ` +
      'groups have read on, or with a higher limit (setting BUS_MAX_BYTES of the reader).',
  );
}
