/** The `code` of an error of Node.js, PostgreSQL or the shop, or ''. By shape: errors come from more than one realm. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
