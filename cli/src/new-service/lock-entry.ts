import { packageOf } from './service-files.ts';

type Packages = Record<string, unknown>;

/**
 * Puts a service's workspace into the text of package-lock.json, as npm writes it.
 *
 * @returns null when the file is not as npm writes it, so that nothing else of it would be kept.
 */
export function addToLockfile(text: string, name: string): string | null {
  const lock = JSON.parse(text) as { packages?: Packages };
  if (!lock.packages || `${JSON.stringify(lock, null, 2)}\n` !== text) return null;
  const { name: packageName, version, license, dependencies, engines } = packageOf(name);
  const packages: Packages = {
    ...lock.packages,
    [`extracted/${name}`]: { name: packageName, version, license, dependencies, engines },
    [`node_modules/${packageName}`]: { resolved: `extracted/${name}`, link: true },
  };
  const sorted = Object.keys(packages).sort((a, b) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted.map((key) => [key, packages[key]]));
  return `${JSON.stringify(lock, null, 2)}\n`;
}
