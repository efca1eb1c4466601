import type { IncomingMessage } from 'node:http';
import type { ProblemPage } from './error-page.ts';

/** Nothing of these is in a host or a port (RFC 9110 7.2); upstreams read such a Host in different ways. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const NOT_IN_HOST = /[\x00-\x20\x7f"#,/<>?@\\^`{|}]/;

const badRequest = (message: string): ProblemPage => ({ status: 400, code: 'bad-request', message });

/** Host lines as sent. */
function hostsOf({ rawHeaders }: IncomingMessage): string[] {
  const hosts: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts.push(rawHeaders[i + 1] ?? '');
  }
  return hosts;
}

/**
 * What is wrong with a request whatever its path, or null.
 *
 * @param pseudonym Name of this proxy in Via.
 */
export function faultOf(request: IncomingMessage, pseudonym: string): ProblemPage | null {
  const { httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return badRequest(`HTTP/${httpVersion} is not spoken here, only HTTP/1.1 and HTTP/1.0.`);
  }
  const hosts = hostsOf(request);
  if (hosts.length > 1) return badRequest('This request has more than one Host.');
  if (hosts.some((host) => host === '' || NOT_IN_HOST.test(host))) {
    return badRequest('The Host of this request is no host and port.');
  }
  if (request.method === 'TRACE') {
    // It would show a client what the proxy sends in his name.
    return { status: 405, code: 'method-not-allowed', message: 'TRACE is not served here.' };
  }
  if (isLoop(request, pseudonym)) {
    return { status: 508, code: 'loop', message: 'This request came back to the proxy that sent it.' };
  }
  return null;
}

/** True when this very proxy has had the request before: an upstream's address leads back here. */
function isLoop(request: IncomingMessage, pseudonym: string): boolean {
  const via = request.headers.via;
  return via !== undefined && via.split(',').some((hop) => hop.trim().split(' ')[1] === pseudonym);
}
