import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, readConfig } from './config.ts';

const table = {
  port: { env: 'PORT', schema: z.coerce.number().int().min(1).default(3000), text: 'port to listen on' },
  url: { env: 'URL', schema: z.url(), text: 'where the monolith is' },
  token: { env: 'TOKEN', schema: z.string().min(8), text: 'peer token', secret: true as const },
};

test('values are parsed and defaults filled in', () => {
  expect(readConfig(table, { URL: 'http://a.test', TOKEN: 'x'.repeat(8) })).toEqual({
    port: 3000,
    url: 'http://a.test',
    token: 'xxxxxxxx',
  });
});

test('a variable that another one asks for is missed together with the other mistakes', () => {
  const withStack = {
    ...table,
    stack: { env: 'STACK', schema: z.enum(['file', 'broker']).default('file'), text: 'where it is kept' },
    file: {
      env: 'FILE',
      schema: z.string().optional(),
      text: 'the file',
      wantedWith: { env: 'STACK', value: 'file' },
    },
  };
  const set = { URL: 'http://a.test', TOKEN: 'x'.repeat(8) };
  expect(() => readConfig(withStack, { ...set, PORT: 'many' })).toThrow(
    /PORT[^]*FILE \(the file\): wanted with STACK=file; it is not set/,
  );
  expect(readConfig(withStack, { ...set, FILE: '/a' })).toMatchObject({ stack: 'file', file: '/a' });
  expect(readConfig(withStack, { ...set, STACK: 'broker' })).toMatchObject({ stack: 'broker' });
});

test('all mistakes are named at once, and a secret is not shown', () => {
  let error: unknown;
  try {
    readConfig(table, { PORT: 'many', TOKEN: 'short' });
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(ConfigError);
  const { message, problems } = error as ConfigError;
  expect(problems).toHaveLength(3);
  expect(message).toContain('got "many"');
  expect(message).toContain('URL (where the monolith is)');
  expect(message).not.toContain('short');
});
