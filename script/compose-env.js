// `node script/compose-env.js`: gives docker-compose.yml its secrets. Writes what is missing into `.env`, readable by
// its owner only; what is there stays. `--file PATH` names another file; `--print` writes to standard output, for a
// machine without Node (docs/reference/compose.md). Needs Node 20 and nothing installed.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Secrets that docker-compose.yml wants from here: it refuses to start without them, and names this script. */
function randomSecrets() {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const names = [...text.matchAll(/\$\{(\w+):\?run: node script\/compose-env\.js\}/g)].map(
    ([, name]) => name,
  );
  return [...new Set(names)].filter((name) => !name.startsWith('IDENTITY_'));
}

/** Names that files of an earlier version have, and what they are now. Their values go on. */
const RENAMED = { SHOP_PASSWORD: 'MONOLITH_PASSWORD', SHOP_PORT: 'PUBLIC_PORT' };

/** One line, since the versions of compose read line ends in `.env` differently; a PEM reader skips the white space. */
const oneLine = (pem) => `"${pem.trim().replaceAll('\n', ' ')}"`;

/** Both halves of the key that identity tokens are signed with: they are made together or not at all. */
function identityKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return [`IDENTITY_PRIVATE_KEY=${oneLine(privateKey)}`, `IDENTITY_PUBLIC_KEY=${oneLine(publicKey)}`];
}

/** Lines that `text` (of a `.env`) wants yet. A name that is there without a value counts as there. */
function missingLines(text) {
  const has = (name) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`, 'm').test(text);
  const lines = has('COMPOSE_PROFILES') ? [] : ['COMPOSE_PROFILES=embedded'];
  for (const [old, name] of Object.entries(RENAMED)) {
    const [, value] = new RegExp(`^\\s*(?:export\\s+)?${old}\\s*=(.*)$`, 'm').exec(text) ?? [];
    if (value === undefined || has(name)) continue;
    lines.push(`${name}=${value}`);
    console.error(`notice: ${old} is now ${name}; the line with ${old} is read no more`);
  }
  for (const name of randomSecrets()) {
    if (!has(name) && !lines.some((line) => line.startsWith(`${name}=`)))
      lines.push(`${name}=${randomBytes(32).toString('base64url')}`);
  }
  if (has('IDENTITY_PRIVATE_KEY') !== has('IDENTITY_PUBLIC_KEY')) {
    throw new Error('The file holds one half of the identity key. Remove it, and both are made anew.');
  }
  return has('IDENTITY_PRIVATE_KEY') ? lines : [...lines, ...identityKeys()];
}

function main() {
  if (process.argv.includes('--print')) {
    console.log(missingLines('').join('\n'));
    return;
  }
  const at = process.argv.indexOf('--file');
  const file = at > 0 ? process.argv[at + 1] : join(root, '.env');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = missingLines(text);
  if (lines.length === 0) {
    console.log(`${basename(file)} holds all that docker-compose.yml wants.`);
    return;
  }
  const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  writeFileSync(file, `${start}${lines.join('\n')}\n`, { mode: 0o600 });
  chmodSync(file, 0o600); // a file that was there keeps its mode otherwise
  // Names only.
  console.log(`${basename(file)}: made ${lines.map((line) => line.split('=')[0]).join(', ')}.`);
}

try {
  main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 3;
}
