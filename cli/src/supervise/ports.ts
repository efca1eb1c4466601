import { readFileSync } from 'node:fs';
import { findFreePort } from '@banyan/postgres';
import { z } from 'zod';
import { checkPort, whyNotListen } from '../checks/check-port.ts';
import { FIRST_PUBLIC_PORT } from '../config/before-declarations.ts';
import { CommandError } from '../output/command-error.ts';
import type { Home } from '../home.ts';
import { writeWhole } from './run-state.ts';

/** Every listener of Banyan's own. */
export const portNames = [
  'public',
  'proxyAdmin',
  'monolith',
  'control',
  'postgres',
  // Of the full stack alone.
  'kafka',
  'kafkaController',
  'connect',
] as const;
export interface Ports extends Readonly<Record<(typeof portNames)[number], number>> {
  /** By the process's name: those that the declaration starts, the monolith apart. */
  readonly services: Readonly<Record<string, number>>;
}

const portSchema = z.number().int().min(1).max(65_535);
const portsSchema = z.record(z.string(), portSchema);
const PREFERRED_PUBLIC_PORT = 8080;
/** How the file calls the port of a service. */
const ofService = (name: string): string => `service ${name}`;

async function isFree(port: number): Promise<boolean> {
  return (await whyNotListen(port)) === null;
}

/** @throws CommandError `port-taken`, `port-forbidden` */
async function refusePort(port: number): Promise<void> {
  const failure = await whyNotListen(port);
  if (failure === null) return;
  const isTaken = failure.code === 'EADDRINUSE';
  const { remedy } = await checkPort(port);
  throw new CommandError({
    code: isTaken ? 'port-taken' : 'port-forbidden',
    message: isTaken
      ? `Port ${port} is taken by another process.`
      : `Port ${port} is not to be had${port < 1_024 ? ': those below 1024 are for root' : ''}.`,
    evidence: [failure.words],
    nextSteps: ['banyan up', ...(remedy === null ? [] : [remedy])],
    exitCode: 3,
  });
}

/** Last time's ports, also from a file that called them otherwise. */
function readLastPorts(home: Home): Readonly<Record<string, number>> {
  try {
    const last = portsSchema.parse(JSON.parse(readFileSync(home.portsFile, 'utf8')));
    const first = last[FIRST_PUBLIC_PORT];
    return { ...(first !== undefined && { public: first }), ...last };
  } catch {
    return {}; // first start, or a file from another version: choose anew
  }
}

export interface WantedPorts {
  /** Processes of the declaration that listen, the monolith apart. */
  readonly services: readonly string[];
  /** For customers; asked for by the user: that one or an error. */
  readonly publicPort?: number | undefined;
}

/**
 * Chooses a port for each listener: last time's where it is free, so that addresses survive `down` and `up`,
 * else a free one. The address for customers prefers 8080 at first.
 *
 * @throws CommandError when the port that the user asked for is taken.
 */
export async function choosePorts(home: Home, { services, publicPort }: WantedPorts): Promise<Ports> {
  if (publicPort !== undefined) await refusePort(publicPort);
  const last = readLastPorts(home);
  const preferred: Readonly<Record<string, number | undefined>> = {
    ...last,
    public: publicPort ?? last['public'] ?? PREFERRED_PUBLIC_PORT,
    ...Object.fromEntries(services.map((name) => [ofService(name), last[ofService(name)] ?? last[name]])),
  };
  const chosen: Record<string, number> = {};
  const taken = new Set<number>();
  for (const name of [...portNames, ...services.map(ofService)]) {
    const wanted = preferred[name];
    let port =
      wanted !== undefined && !taken.has(wanted) && (await isFree(wanted)) ? wanted : await findFreePort();
    while (taken.has(port)) port = await findFreePort();
    taken.add(port);
    chosen[name] = port;
  }
  writeWhole(home.portsFile, `${JSON.stringify(chosen)}\n`);
  const portOf = (name: string): number => chosen[name] ?? 0;
  const fixed = Object.fromEntries(portNames.map((name) => [name, portOf(name)]));
  return {
    ...(fixed as Record<(typeof portNames)[number], number>),
    services: Object.fromEntries(services.map((name) => [name, portOf(ofService(name))])),
  };
}
