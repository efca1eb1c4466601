/** Settings under which PostgreSQL prints the same text for a value on every connection of ours. */
export const SESSION_SETTINGS = [
  'datestyle=ISO,YMD',
  'intervalstyle=iso_8601',
  'timezone=UTC',
  'extra_float_digits=1',
  'bytea_output=hex',
  // A policy that would hide rows from us makes the question fail, instead of a copy that silently lacks them.
  'row_security=off',
  // Ours are marks and signals: none of them has to wait for a standby.
  'synchronous_commit=local',
];
