import { expect, test } from '@jest/globals';
import { OpenParts } from './open-parts.ts';

test('parts are closed in reverse, once, and all of them though one fails', async () => {
  const closed: string[] = [];
  const part = (name: string, failure?: Error) => ({
    name,
    close: () => {
      closed.push(name);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  });
  const parts = new OpenParts();
  expect(parts.add(part('store')).name).toBe('store');
  parts.add(part('bus', new Error('the disk is full')));
  parts.add(part('server'));
  await expect(parts.close()).rejects.toThrow('the disk is full');
  await expect(parts.close()).rejects.toThrow('the disk is full');
  expect(closed).toEqual(['server', 'bus', 'store']);
});
