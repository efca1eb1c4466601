import pg from 'pg';

/**
 * Whether PostgreSQL itself says so.
 *
 * @param states Whole SQLSTATEs, such as `23514`, or classes of them, which are their first two characters.
 */
export function hasSqlState(error: unknown, ...states: readonly string[]): error is pg.DatabaseError {
  if (!(error instanceof pg.DatabaseError)) return false;
  const { code = '' } = error;
  return states.some((state) => code.startsWith(state));
}
