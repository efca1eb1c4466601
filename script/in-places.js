/**
 * Runs jobs side by side, as many as there are places for; a job may take several. They begin in their order, but a job
 * that needs more places than are free is passed by those after it.
 * @template {{ places: number }} Job
 * @param {{ jobs: readonly Job[], places: number, run: (job: Job, isAlone: boolean) => Promise<void>,
 *   isStopped?: () => boolean }} options `isAlone`: nothing will run beside it. `isStopped`: whether none is to begin any more.
 */
export async function runInPlaces({ jobs, places, run, isStopped = () => false }) {
  const waiting = [...jobs];
  const running = new Map();
  let free = places;
  for (;;) {
    for (const job of isStopped() ? [] : [...waiting]) {
      const taken = Math.min(job.places, places);
      if (taken > free) continue;
      waiting.splice(waiting.indexOf(job), 1);
      free -= taken;
      const isAlone = taken === places || jobs.length === 1;
      running.set(
        job,
        run(job, isAlone).finally(() => {
          running.delete(job);
          free += taken;
        }),
      );
    }
    if (running.size === 0) return;
    await Promise.race(running.values());
  }
}
