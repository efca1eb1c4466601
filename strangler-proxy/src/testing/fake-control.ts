import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  caughtUpRequestSchema,
  proxyReportSchema,
  type ProxyReport,
  type RoutesSnapshot,
} from '@banyan/contracts';
import { PEER_TOKEN, startUpstream, type Opened } from './fixtures.ts';

/** A control plane that says what a test tells it to. */
export interface FakeControl {
  readonly url: string;
  readonly reports: ProxyReport[];
  /** Slices of each caught-up question, in order. */
  readonly questions: string[][];
  /** Questions whose answer is awaited. */
  readonly openQuestions: number;
  readonly streams: number;
  /** Sends text as a `routes` event to all who listen, and first to those who come later. */
  send(snapshot: RoutesSnapshot | string): void;
  /** From now on: answers questions at once, or keeps them (null) for `answerAll`. */
  answerWith(caughtUp: boolean | null): void;
  answerAll(caughtUp: boolean): void;
  /** Cuts every stream. */
  cut(): void;
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Starts one. @param port Default a free one. */
export async function startFakeControl(opened: Opened, port = 0): Promise<FakeControl> {
  const reports: ProxyReport[] = [];
  const questions: string[][] = [];
  const streams = new Set<ServerResponse>();
  const waiting: ServerResponse[] = [];
  let answer: boolean | null = true;
  let last: string | null = null;

  const tell = (response: ServerResponse, caughtUp: boolean): void => {
    response.end(JSON.stringify({ caughtUp, position: caughtUp ? '0/1' : null }));
  };
  const asEvent = (text: string): string => `: ping\n\nevent: routes\ndata: ${text}\n\n`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${PEER_TOKEN}`) response.writeHead(401).end();
    else if (request.url?.startsWith('/v1/routes/stream?')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.add(response);
      response.on('close', () => streams.delete(response));
      if (last !== null) response.write(asEvent(last));
    } else if (request.url === '/v1/proxies/report') {
      reports.push(proxyReportSchema.parse(await bodyOf(request)));
      response.end();
    } else if (request.url === '/v1/caught-up') {
      questions.push([...caughtUpRequestSchema.parse(await bodyOf(request)).slices]);
      if (answer === null) waiting.push(response);
      else tell(response, answer);
    } else response.writeHead(404).end();
  }

  const server = await startUpstream(
    opened,
    (request, response) => {
      handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    },
    port,
  );
  return {
    url: server.url,
    reports,
    questions,
    get openQuestions() {
      return waiting.length;
    },
    get streams() {
      return streams.size;
    },
    send(snapshot) {
      last = typeof snapshot === 'string' ? snapshot : JSON.stringify(snapshot);
      for (const stream of streams) stream.write(asEvent(last));
    },
    answerWith(caughtUp) {
      answer = caughtUp;
    },
    answerAll(caughtUp) {
      for (const response of waiting.splice(0)) tell(response, caughtUp);
    },
    cut() {
      for (const stream of streams) stream.destroy();
    },
    close: server.close,
  };
}
