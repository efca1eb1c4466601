import { describe, expect, test } from '@jest/globals';
import { findJavaTools, parseJavaVersion } from './java.ts';

describe('the version of Java', () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_432"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['The operation couldn’t be completed. Unable to locate a Java Runtime.', null],
    [null, null],
  ])('of %j is %j', (text, version) => {
    expect(parseJavaVersion(text)).toBe(version);
  });
});

test('names everything that is missing at once, and how to get it', async () => {
  const missing = findJavaTools({ env: { PATH: '/nowhere' } });
  await expect(missing).rejects.toMatchObject({ code: 'tools-missing' });
  await expect(missing).rejects.toThrow(
    /Java 17 or newer: "java" cannot be run[^]*Maven[^]*apt-get install[^]*compose/,
  );
});

test('an unusable JAVA_HOME is named, and Maven is wanted only to download', async () => {
  const missing = findJavaTools({ env: { PATH: '/nowhere', JAVA_HOME: '/opt/none' }, needsMaven: false });
  await expect(missing).rejects.toThrow('"/opt/none/bin/java" cannot be run');
  await expect(missing).rejects.not.toThrow('Maven, to');
});
