import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KafkaStackError } from './kafka-stack-error.ts';

const run = promisify(execFile);

/** Kafka 4 and Debezium 3.6 want it. */
const MIN_JAVA = 17;
const CHECK_TIMEOUT_MS = 20_000;

const HOW_TO_GET_THEM = [
  'Get them, or run the full stack by docker compose instead:',
  '  Debian, Ubuntu:  apt-get install openjdk-17-jre-headless maven',
  '  macOS:           brew install openjdk maven',
  '  compose:         docker compose --profile full up',
].join('\n');

export interface JavaTools {
  /** Path or name of the `java` to run. */
  readonly java: string;
  /** Its feature version, e.g. 17. */
  readonly javaVersion: number;
}

/**
 * Looks for Java 17 or newer (`JAVA_HOME`, else the PATH) and, where something is to be downloaded, Maven.
 *
 * @throws KafkaStackError `tools-missing`, with all that is missing at once and how to get it.
 */
export async function findJavaTools(
  options: { readonly needsMaven?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<JavaTools> {
  const { needsMaven = true, env = process.env } = options;
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  const [javaText, mavenText] = await Promise.all([
    versionText(java, '-version', env),
    needsMaven ? versionText('mvn', '-v', env) : 'not wanted',
  ]);
  const javaVersion = parseJavaVersion(javaText);
  const problems: string[] = [];
  if (javaText === null) problems.push(`Java ${MIN_JAVA} or newer: "${java}" cannot be run`);
  else if (javaVersion === null || javaVersion < MIN_JAVA) {
    problems.push(`Java ${MIN_JAVA} or newer: "${java}" is version ${javaVersion ?? 'unknown'}`);
  }
  if (mavenText === null) problems.push('Maven, to download Kafka and Debezium: "mvn" cannot be run');
  if (problems.length > 0 || javaVersion === null) {
    throw new KafkaStackError(
      'tools-missing',
      `The full stack needs:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n${HOW_TO_GET_THEM}`,
    );
  }
  return { java, javaVersion };
}

/** Feature version in the text of `java -version`, e.g. 17; null when there is none. */
export function parseJavaVersion(text: string | null): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(text ?? '');
  return match ? Number(match[1]) : null;
}

/** What a tool says of itself; null when it cannot be run. */
async function versionText(command: string, flag: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(command, [flag], { env, timeout: CHECK_TIMEOUT_MS });
    return `${stdout}${stderr}`;
  } catch {
    return null; // missing, or not what its name says: the caller lists it
  }
}
