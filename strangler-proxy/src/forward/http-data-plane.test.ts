import type { Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { ask, Opened, startRawUpstream, startUpstream } from '../testing/fixtures.ts';
import { Client } from '../server/client.ts';
import { HttpDataPlane } from './http-data-plane.ts';

const opened = new Opened();
afterEach(() => opened.close());

test.each(['reset', 'closed'])(
  'a POST whose kept connection was %s before it was sent goes to a new one, if none of it got out',
  async (how) => {
    const bodies: string[] = [];
    const upstream = await startRawUpstream(opened, (socket) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.startsWith('POST') && !text.endsWith('body')) return;
        bodies.push(text.split('\r\n\r\n')[1] ?? '');
        text = '';
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    const dataPlane = new HttpDataPlane({ pseudonym: 'test' });
    opened.add(() => dataPlane.close());
    const replies: string[] = [];
    const front = await startUpstream(opened, (request, response) => {
      // In one turn of the event loop: the data plane cannot have heard of it when it picks the connection.
      if (request.method === 'POST' && how === 'reset') (upstream.sockets[0] as Socket).resetAndDestroy();
      const client = new Client(request, response);
      void dataPlane.forward(request, [upstream.url], { deadlineMs: 5_000, waiter: client }).then((reply) => {
        replies.push(reply.kind);
        if (reply.kind === 'answer') void client.send(reply);
        else response.destroy();
      });
    });
    expect((await ask(`${front.url}/x`)).text).toBe('ok');
    if (how === 'closed') {
      const gone = new Promise((resolve) => upstream.sockets[0]?.once('close', resolve));
      upstream.sockets[0]?.end();
      await gone;
    }
    const answer = await ask(`${front.url}/x`, { method: 'POST', body: 'body' }).catch(() => null);
    expect(replies).toEqual(['answer', 'answer']);
    expect(answer).toMatchObject({ status: 200, text: 'ok' });
    expect(bodies).toEqual(['', 'body']);
    expect(upstream.sockets).toHaveLength(2);
  },
);
