/** A process that says it is ready, answers pings, and HTTP on the port that it is given. */
import { createLogger, listen, runProcess } from '@banyan/kit';

await runProcess({
  log: createLogger('answering'),
  start: () =>
    listen((_request, response) => response.writeHead(503).end(), { port: Number(process.argv[2]) }),
});
