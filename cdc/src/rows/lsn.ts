/** As PostgreSQL prints a position in its log: `0/16B3748`. */
export type Lsn = string;

/** `0/16B3748` as an integer. @throws RangeError when the text is not an LSN. */
export function parseLsn(text: Lsn): bigint {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text);
  if (!match) throw new RangeError(`An LSN looks like 0/16B3748, got ${JSON.stringify(text)}.`);
  return (BigInt(`0x${match[1] ?? '0'}`) << 32n) | BigInt(`0x${match[2] ?? '0'}`);
}

/** An LSN as PostgreSQL prints it. */
export function formatLsn(lsn: bigint): Lsn {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}
