import { rmSync } from 'node:fs';

export default async function stop() {
  for (const { cluster, dir } of globalThis.__banyanClusters) {
    await cluster.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
