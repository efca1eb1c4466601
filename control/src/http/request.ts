import type { Request, Response } from 'express';

/** A parameter of the path; empty when there is none of that name. */
export function paramOf(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}

/** A signal that aborts when the client is gone before it was answered. */
export function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client is gone'));
  });
  return gone.signal;
}
