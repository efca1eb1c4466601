import { listen, type Listening } from '@banyan/kit';
import express from 'express';
import { middleware } from 'express-openapi-validator';
import { fileURLToPath } from 'node:url';

/** Hands requests on to a service, and holds its answers against its OpenAPI file. */
export interface AnswerValidator {
  /** Ask here. */
  readonly url: string;
  /** What the contract has against the answers since this was last asked, each with the address. */
  breaches(): readonly string[];
  close(): Promise<void>;
}

/** @param serviceUrl of a service that runs, here or in another process */
export async function validateAnswers(openapi: URL, serviceUrl: string): Promise<AnswerValidator> {
  let found: string[] = [];
  const app = express();
  app.use(
    middleware({
      apiSpec: fileURLToPath(openapi),
      validateRequests: false, // what the service makes of a faulty request is under test here, too
      validateResponses: {
        onError: (error, _body, request) => found.push(`${request.originalUrl}: ${error.message}`),
      },
    }),
  );
  app.use(async (request, response) => {
    const answer = await fetch(serviceUrl + request.originalUrl, { method: request.method });
    response.status(answer.status).set('content-type', answer.headers.get('content-type') ?? '');
    const body: unknown = await answer.json();
    response.json(body);
  });
  const server: Listening = await listen(app, { port: 0 });
  return {
    url: server.url,
    breaches() {
      const told = found;
      found = [];
      return told;
    },
    close: () => server.close(),
  };
}
