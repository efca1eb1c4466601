import { rmSync } from 'node:fs';

export default async function stop() {
  const { cluster, dir } = globalThis.__banyanCluster;
  await cluster.close();
  rmSync(dir, { recursive: true, force: true });
}
