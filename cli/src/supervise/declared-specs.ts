import { fillPlaceholders, secretOf } from '@banyan/contracts';
import { resolve } from 'node:path';
import type { DeclaredProcess, DeclaredService } from '../config/declared.ts';
import { baseEnv, inherited, nodeSpec, QUIET } from './node-spec.ts';
import { addressOf, busEnv, type Plan } from './plan.ts';
import type { ProcessSpec } from './process-spec.ts';
import { declaredSecret } from './secrets.ts';

/** What a placeholder becomes for one process. */
function placeholderOf(name: string, plan: Plan, declared: DeclaredProcess): string {
  const { home, ports, databases, declaration } = plan;
  const secret = secretOf(name);
  if (secret !== null) return home.secret(declaredSecret(secret));
  const values: Readonly<Record<string, string>> = {
    host: '127.0.0.1',
    port: String(declared.name === 'monolith' ? ports.monolith : ports.services[declared.name]),
    'database.monolith': databases?.monolith ?? '',
    'monolith.url': addressOf(declaration.monolith, ports),
    'identity.publicKey': home.secret('identity.pub.pem'),
    'store.file': home.file(`${declared.name}.sqlite`),
  };
  return values[name] ?? '';
}

/** A process of the declaration's own, which knows nothing of us. */
function commandSpec(
  plan: Plan,
  declared: DeclaredProcess,
  rest: Pick<ProcessSpec, 'round' | 'restartAfterMs'>,
): ProcessSpec | null {
  const { running, name, dir, ready } = declared;
  if (running.kind !== 'command') return null;
  const fill = (text: string): string =>
    fillPlaceholders(text, (placeholder) => placeholderOf(placeholder, plan, declared));
  const [program = '', ...args] = running.command.map(fill);
  const url = addressOf(declared, plan.ports);
  const isNode = program === 'node';
  return {
    ...rest,
    name,
    // The Node that PATH names may be one that cannot run TypeScript.
    command: isNode ? process.execPath : program,
    args: isNode ? [QUIET, ...args] : args,
    cwd: dir,
    env: {
      ...baseEnv(),
      ...Object.fromEntries(Object.entries(running.env).map(([key, text]) => [key, fill(text)])),
    },
    ready: { kind: 'http', url: `${url}${ready}` },
    health: { kind: 'http', url: `${url}${ready}` },
    stopSignal: 'SIGTERM',
    ipc: false,
    url,
  };
}

/** The monolith, which knows nothing of the rest; null where others run it. */
export function monolithSpec(plan: Plan): ProcessSpec | null {
  const { monolith } = plan.declaration;
  return commandSpec(plan, monolith, { round: 3, restartAfterMs: plan.health.monolithRestartAfterMs });
}

/** Null where others run it. */
export function serviceSpec(plan: Plan, service: DeclaredService): ProcessSpec | null {
  const { running, name } = service;
  const { home, health, topicPrefix, declaration } = plan;
  if (running.kind !== 'main')
    return commandSpec(plan, service, { round: 3, restartAfterMs: health.restartAfterMs });
  const gates = declaration.config.slices.find((slice) => slice.name === service.slice?.name)?.gates;
  const url = addressOf(service, plan.ports);
  const fill = (text: string): string =>
    fillPlaceholders(text, (placeholder) => placeholderOf(placeholder, plan, service));
  return nodeSpec({
    name,
    round: 3,
    main: resolve(service.dir, running.main),
    env: {
      ...(gates?.refuseReadsAfterMs !== undefined && {
        REFUSE_READS_AFTER_MS: String(gates.refuseReadsAfterMs),
      }),
      ...inherited(['REFUSE_READS_AFTER_MS']),
      PEER_TOKEN_FILE: home.secret('peer.token'),
      ...busEnv(plan),
      PORT: String(plan.ports.services[name]),
      STORE_FILE: home.file(`${name}.sqlite`),
      TOPIC_PREFIX: topicPrefix,
      IDENTITY_PUBLIC_KEY_FILE: home.secret('identity.pub.pem'),
      ...Object.fromEntries(Object.entries(running.env).map(([key, text]) => [key, fill(text)])),
    },
    ready: { kind: 'http', url: `${url}${service.ready}` },
    // Alive, whatever its copy is like.
    health: { kind: 'http', url: `${url}/healthz` },
    restartAfterMs: health.restartAfterMs,
    url,
  });
}
