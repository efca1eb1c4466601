import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { findFreePort } from '@banyan/postgres';
import { z } from 'zod';
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

/** True when nobody listens on this port of 127.0.0.1. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
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
  if (shopPort !== undefined && !(await isFree(shopPort))) {
    throw new CommandError({
      code: 'port-taken',
      message: `Port ${shopPort} is taken by another process.`,
      evidence: [`wanted to listen on 127.0.0.1:${shopPort}`],
      nextSteps: ['banyan up', `banyan up --port ${shopPort + 1}`],
      exitCode: 3,
    });
  }
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
