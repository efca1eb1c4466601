/** A server in a process of its own, for tests; prints its port. */
import { listen } from '../http.ts';

const { port } = await listen((_request, response) => response.end('ok'), { port: 0 });
console.log(port);
