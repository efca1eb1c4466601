import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen, type Listening } from '@banyan/kit';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { Agent } from 'undici';
import { createJwtCheck, type CheckJwt, type JwtSource } from './jwt-check.ts';

const SOURCE: JwtSource = { jwks: '/jwks.json', subject: 'sub' };
const dispatcher = new Agent();
let keys: { publicKey: CryptoKey; privateKey: CryptoKey };
let signer: Listening;
let asked = 0;
let answers: 'keys' | 'nothing' | 'silence' = 'keys';
let check: CheckJwt;

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'a', alg: 'ES256' };
  signer = await listen(
    (_request, response) => {
      asked += 1;
      if (answers === 'keys') response.end(JSON.stringify({ keys: [jwk] }));
      else if (answers === 'nothing') response.writeHead(500).end();
    },
    { port: 0, graceMs: 10 },
  );
  check = newCheck();
});
afterAll(async () => {
  await dispatcher.destroy();
  await signer.close();
});

const newCheck = (servers: readonly string[] = [signer.url]): CheckJwt =>
  createJwtCheck({ monolithInTurn: () => servers, dispatcher, deadlineMs: 300 });

const token = (claims: Record<string, unknown>, key = keys.privateKey, ends = '1h'): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'a' }).setExpirationTime(ends).sign(key);

test('the claim that is named is the customer, as a text; the keys are asked for once', async () => {
  expect(await check(SOURCE, await token({ sub: '7' }))).toEqual({ id: '7', displayName: '7' });
  const named: JwtSource = { ...SOURCE, subject: 'uid', name: 'nick' };
  expect(await check(named, await token({ uid: 12, nick: 'Ann' }))).toEqual({ id: '12', displayName: 'Ann' });
  expect(asked).toBe(1);
});

test('the keys come from another of its servers where one is down', async () => {
  const before = asked;
  const checkInTurn = newCheck(['http://127.0.0.1:9', signer.url]);
  expect(await checkInTurn(SOURCE, await token({ sub: '7' }))).toMatchObject({ id: '7' });
  expect(await checkInTurn(SOURCE, await token({ sub: '8' }))).toMatchObject({ id: '8' });
  expect(asked).toBe(before + 1);
});

test('a token that proves nothing is refused, whatever is wrong with it', async () => {
  const { privateKey: foreign } = await generateKeyPair('ES256');
  const strict: JwtSource = { ...SOURCE, issuer: 'shop', audience: 'banyan' };
  for (const [source, text] of [
    [SOURCE, 'no JWT'],
    [SOURCE, await token({ sub: '7' }, foreign)],
    [SOURCE, await token({ sub: '7' }, keys.privateKey, '-1h')],
    [SOURCE, await token({})],
    [SOURCE, await token({ sub: '' })],
    [SOURCE, await token({ sub: { id: 7 } })],
    [
      SOURCE,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"7"}').toString('base64url')}.`,
    ],
    [strict, await token({ sub: '7', iss: 'other', aud: 'banyan' })],
    [strict, await token({ sub: '7', iss: 'shop' })],
  ] as const) {
    await expect(check(source, text)).rejects.toThrow();
  }
  expect(await check(strict, await token({ sub: '7', iss: 'shop', aud: 'banyan' }))).toMatchObject({
    id: '7',
  });
});

test('without keys nobody is known, within the deadline; once they are there, everybody is', async () => {
  const late = newCheck();
  const good = await token({ sub: '7' });
  for (answers of ['nothing', 'silence'] as const) await expect(late(SOURCE, good)).rejects.toThrow();
  answers = 'keys';
  expect(await late(SOURCE, good)).toMatchObject({ id: '7' });
});
