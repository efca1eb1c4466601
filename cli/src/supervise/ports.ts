import { readFileSync } from 'node:fs';
import { findFreePort } from '@banyan/postgres';
import { z } from 'zod';
import { checkPort, whyNotListen } from '../checks/check-port.ts';
import { CommandError } from '../output/command-error.ts';
import type { Home } from '../home.ts';
import { writeWhole } from './run-state.ts';

/** Every listener of one Banyan. */
export const portNames = [
  'shop',
  'proxyAdmin',
  'monolith',
  'control',
  'reviews',
  'postgres',
  // Of the full stack alone.
  'kafka',
  'kafkaController',
  'connect',
] as const;
export type Ports = Readonly<Record<(typeof portNames)[number], number>>;

const portSchema = z.number().int().min(1).max(65_535);
const portsSchema = z.record(z.enum(portNames), portSchema);
/** A file of an earlier version knows fewer. */
const lastPortsSchema = z.partialRecord(z.enum(portNames), portSchema);
const PREFERRED_SHOP_PORT = 8080;

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

function readLastPorts(home: Home): { readonly [K in keyof Ports]?: number | undefined } {
  try {
    return lastPortsSchema.parse(JSON.parse(readFileSync(home.portsFile, 'utf8')));
  } catch {
    return {}; // first start, or a file from another version: choose anew
  }
}

/**
 * Chooses a port for each listener: last time's where it is free, so that addresses survive `down` and `up`,
 * else a free one. The shop prefers 8080 at first.
 *
 * @param shopPort Asked for by the user: that one or an error.
 * @throws CommandError when the port that the user asked for is taken.
 */
export async function choosePorts(home: Home, shopPort?: number): Promise<Ports> {
  if (shopPort !== undefined) await refusePort(shopPort);
  const last = readLastPorts(home);
  const chosen: Record<string, number> = {};
  const taken = new Set<number>();
  for (const name of portNames) {
    const wanted = name === 'shop' ? (shopPort ?? last.shop ?? PREFERRED_SHOP_PORT) : last[name];
    let port =
      wanted !== undefined && !taken.has(wanted) && (await isFree(wanted)) ? wanted : await findFreePort();
    while (taken.has(port)) port = await findFreePort();
    taken.add(port);
    chosen[name] = port;
  }
  const ports = portsSchema.parse(chosen) as Ports;
  writeWhole(home.portsFile, `${JSON.stringify(ports)}\n`);
  return ports;
}
