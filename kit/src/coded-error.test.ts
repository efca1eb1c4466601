import { expect, test } from '@jest/globals';
import { CodedError, codeOf, messageOf } from './coded-error.ts';

class LostError extends CodedError<'lost'> {
  constructor(cause: unknown) {
    super('lost', 'It is lost.', { cause, evidence: ['it was here'] });
  }
}

test('an error is named after its class, and keeps what is known of it', () => {
  const cause = new Error('a cable');
  const error = new LostError(cause);
  expect(error).toMatchObject({ code: 'lost', name: 'LostError', message: 'It is lost.', cause });
  expect(error.evidence).toEqual(['it was here']);
  expect(error.nextSteps).toEqual([]);
  expect(error.stack).toContain('LostError: It is lost.');
  expect('cause' in new CodedError('other', 'another')).toBe(false);
});

test('the code of an error of any class is told, and of nothing else', () => {
  expect(codeOf(new LostError(null))).toBe('lost');
  expect(codeOf(Object.assign(new Error('no file'), { code: 'ENOENT' }))).toBe('ENOENT');
  expect(codeOf(Object.assign(new Error('a number'), { code: 7 }))).toBeNull();
  expect(codeOf(new Error('none'))).toBeNull();
  expect(codeOf('ENOENT')).toBeNull();
  expect(codeOf(null)).toBeNull();
  expect(messageOf(new Error('none'))).toBe('none');
  expect(messageOf('a text')).toBe('a text');
});
