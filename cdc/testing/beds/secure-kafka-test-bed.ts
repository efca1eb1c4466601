/** A Kafka whose listeners want TLS, and TLS with SASL, and a Connect that reaches it so; for tests. */
import { downloadKafka, findJavaTools } from '@banyan/kafka';
import { findFreePort } from '@banyan/postgres';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startTestKafka, type TestKafka } from './kafka-test-bed.ts';

const run = promisify(execFile);
const JAVA_DEADLINE_MS = 60_000;
const STORE_PASSWORD = 'changeit';

export const USER = 'banyan';
export const PASSWORD = 'an "open" secret';

const jaasText = (text: string): string => text.replaceAll(/["\\]/g, '\\$&');
const SCRAM_LOGIN = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${USER}" password="${jaasText(PASSWORD)}";`;

export interface SecureTestKafka {
  readonly kafka: TestKafka;
  /** TLS without SASL, by an address that the certificate is for. */
  readonly tlsBroker: string;
  /** The same listener, by a name that the certificate is not for. */
  readonly misnamedBroker: string;
  /** TLS and SASL: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly saslBroker: string;
  /** PEM file of the authority that signed the broker's certificate. */
  readonly caFile: string;
  /** PEM file of one that did not. */
  readonly otherCaFile: string;
  close(): Promise<void>;
}

/** Connect is made ready and not started: its user of SCRAM has to be made first, which this does. */
export async function startSecureTestKafka(): Promise<SecureTestKafka> {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-secure-'));
  const [tlsPort, saslPort] = [await findFreePort(), await findFreePort()];
  const files = await makeCertificates(dir);
  const kafka = await startTestKafka({
    properties: ({ ports, secretsDir }) => ({
      broker: {
        listeners: [
          `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.controller}`,
          `TLS://127.0.0.1:${tlsPort},SECURE://127.0.0.1:${saslPort}`,
        ].join(','),
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka},TLS://127.0.0.1:${tlsPort},SECURE://127.0.0.1:${saslPort}`,
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SSL,SECURE:SASL_SSL',
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': files.brokerStore,
        'ssl.keystore.password': STORE_PASSWORD,
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${jaasText(PASSWORD)}";`,
        'listener.name.secure.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'listener.name.secure.scram-sha-512.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      },
      worker: { 'bootstrap.servers': `127.0.0.1:${saslPort}`, ...workerSecurity(files.caFile, secretsDir) },
    }),
  });
  const close = async (): Promise<void> => {
    await kafka.close();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    writeFileSync(join(kafka.stack.secretsDir, 'kafka.jaas'), SCRAM_LOGIN, { mode: 0o600 });
    await makeScramUser(kafka.stack.bootstrapServers, dir);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    kafka,
    tlsBroker: `127.0.0.1:${tlsPort}`,
    misnamedBroker: `localhost:${tlsPort}`,
    saslBroker: `127.0.0.1:${saslPort}`,
    ...files,
    close,
  };
}

/** As docs/reference/kafka-security.md has it: the same for the worker itself and for its connectors' clients. */
function workerSecurity(caFile: string, secretsDir: string): Record<string, string> {
  const security = {
    'security.protocol': 'SASL_SSL',
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': `\${dir:${secretsDir}:kafka.jaas}`,
  };
  const prefixes = ['', 'producer.', 'consumer.', 'admin.'];
  return Object.fromEntries(
    prefixes.flatMap((prefix) => Object.entries(security).map(([key, value]) => [`${prefix}${key}`, value])),
  );
}

/** Kafka takes one credential of a user at a time. */
async function makeScramUser(bootstrapServers: string, dir: string): Promise<void> {
  const { classPath } = await downloadKafka();
  const { java } = await findJavaTools({ needsMaven: false });
  const make = async (mechanism: string): Promise<void> => {
    const file = join(dir, `${mechanism}.properties`);
    writeFileSync(file, `${mechanism}=password=${PASSWORD}\n`);
    await run(
      java,
      [
        ...['-cp', classPath, 'kafka.admin.ConfigCommand', '--bootstrap-server', bootstrapServers, '--alter'],
        ...['--entity-type', 'users', '--entity-name', USER, '--add-config-file', file],
      ],
      { timeout: JAVA_DEADLINE_MS },
    );
  };
  await Promise.all(['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(make));
}

async function makeCertificates(
  dir: string,
): Promise<{ readonly brokerStore: string; readonly caFile: string; readonly otherCaFile: string }> {
  const { java } = await findJavaTools({ needsMaven: false });
  const tool = java === 'java' ? 'keytool' : join(dirname(java), 'keytool');
  const at = (name: string): string => join(dir, name);
  const keytool = async (store: string, ...args: readonly string[]): Promise<void> => {
    const ofStore = ['-keystore', at(store), '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD];
    await run(tool, [...args, ...ofStore], { timeout: JAVA_DEADLINE_MS });
  };
  const key = ['-genkeypair', '-keyalg', 'EC', '-validity', '2', '-alias'];
  const makeAuthority = async (name: string): Promise<void> => {
    await keytool(`${name}.p12`, ...key, name, '-dname', `CN=${name}`, '-ext', 'bc:c');
    await keytool(`${name}.p12`, '-exportcert', '-rfc', '-alias', name, '-file', at(`${name}.pem`));
  };
  await Promise.all([
    makeAuthority('ca'),
    makeAuthority('other'),
    keytool('broker.p12', ...key, 'broker', '-dname', 'CN=broker'),
  ]);
  await keytool('broker.p12', '-certreq', '-alias', 'broker', '-file', at('broker.csr'));
  const signing = ['-gencert', '-rfc', '-alias', 'ca', '-ext', 'san=ip:127.0.0.1'];
  await keytool('ca.p12', ...signing, '-infile', at('broker.csr'), '-outfile', at('broker.pem'));
  const importing = ['-importcert', '-noprompt', '-alias'];
  await keytool('broker.p12', ...importing, 'ca', '-file', at('ca.pem'));
  await keytool('broker.p12', ...importing, 'broker', '-file', at('broker.pem'));
  return { brokerStore: at('broker.p12'), caFile: at('ca.pem'), otherCaFile: at('other.pem') };
}
