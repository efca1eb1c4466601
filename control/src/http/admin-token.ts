import { randomBytes } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { CodedError, codeOf } from '@banyan/kit';

/** The file of the admin token cannot be used. The message says what is wrong and how to fix it. */
export class AdminTokenError extends CodedError<'admin-token-invalid'> {
  constructor(message: string) {
    super('admin-token-invalid', message);
  }
}

/** Others than the owner can read, write or run it. */
const OTHERS = 0o077;

/**
 * Reads the token that people's commands carry; makes one at the first start, in a file that only the owner can read.
 *
 * @throws AdminTokenError when others can read the file, or it holds no token.
 */
export async function loadAdminToken(file: string): Promise<string> {
  await createOnce(file);
  const { mode } = await stat(file);
  if ((mode & OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(3, '0');
    throw new AdminTokenError(
      `The admin token's file ${file} wants mode 600, got ${octal}: others could have read it. Delete it and start again for a new token, or: chmod 600 ${file}`,
    );
  }
  const token = (await readFile(file, 'utf8')).trim();
  if (token.length < 32) {
    throw new AdminTokenError(
      `The admin token's file ${file} holds ${token.length} characters, wanted at least 32. Delete it and start again for a new token.`,
    );
  }
  return token;
}

/** Written aside and linked: whoever reads the file, also after a kill, finds a whole token or none. */
async function createOnce(file: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(32).toString('base64url')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(aside, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error; // another start was quicker
  } finally {
    await unlink(aside);
  }
}
