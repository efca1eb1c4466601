import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PinLedger } from './pin-ledger.ts';

describe('the pin ledger', () => {
  test('frees a nonce once a round that started after it was seen has caught up', () => {
    const ledger = new PinLedger(10);
    ledger.see('n');
    const round = ledger.startRound();
    expect(ledger.isApplied('n')).toBe(false);
    ledger.endRound(round, true);
    expect(ledger.isApplied('n')).toBe(true);
  });

  test('lets a nonce that is seen while a round runs wait for the next one', () => {
    const ledger = new PinLedger(10);
    ledger.see('early');
    const round = ledger.startRound();
    ledger.see('late');
    ledger.endRound(round, true);
    expect(ledger.isApplied('late')).toBe(false);
    expect(ledger.startRound()).toEqual(['late']);
  });

  test('asks again for a nonce whose round got no answer, once it is seen again', () => {
    const ledger = new PinLedger(10);
    ledger.see('n');
    ledger.endRound(ledger.startRound(), false);
    expect(ledger.isApplied('n')).toBe(false);
    expect(ledger.hasWaiting).toBe(false);
    ledger.see('n');
    expect(ledger.hasWaiting).toBe(true);
  });

  test('does not free a nonce that a write carried while the round ran', () => {
    const ledger = new PinLedger(10);
    ledger.see('n');
    const round = ledger.startRound();
    ledger.startWrite('n');
    ledger.endWrite('n');
    ledger.endRound(round, true);
    expect(ledger.isApplied('n')).toBe(false);
  });

  test('takes the freedom back when a write carries the nonce after all, and asks only when that is over', () => {
    const ledger = new PinLedger(10);
    ledger.see('n');
    ledger.endRound(ledger.startRound(), true);
    ledger.startWrite('n');
    expect(ledger.isApplied('n')).toBe(false);
    ledger.see('n');
    expect(ledger.hasWaiting).toBe(false);
    ledger.endWrite('n');
    ledger.see('n');
    ledger.endRound(ledger.startRound(), true);
    expect(ledger.isApplied('n')).toBe(true);
  });

  test('forgets what was applied when other slices copy', () => {
    const ledger = new PinLedger(10);
    ledger.see('applied');
    ledger.endRound(ledger.startRound(), true);
    ledger.see('asked');
    const round = ledger.startRound();
    ledger.forgetApplied();
    ledger.endRound(round, true);
    expect([ledger.isApplied('applied'), ledger.isApplied('asked')]).toEqual([false, false]);
  });

  test('stays within its bound, and never forgets a write in flight for it', () => {
    const ledger = new PinLedger(3);
    ledger.startWrite('writing');
    for (let i = 0; i < 20; i++) ledger.see(`n${i}`);
    expect(ledger.size).toBe(3);
    ledger.see('writing');
    expect(ledger.startRound()).toEqual(['n18', 'n19']);
  });

  test('never frees a nonce unless a round began after its last write and after it was seen', () => {
    const action = fc.constantFrom('see', 'startWrite', 'endWrite', 'startRound', 'endRound', 'failRound');
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const ledger = new PinLedger(10);
        let writes = 0;
        let isSeen = false;
        // What a round would prove: that it began with the nonce seen and no write since, nor in flight.
        let roundProves: boolean | null = null;
        let isProven = false;
        let round: readonly string[] = [];
        for (const name of actions) {
          if (name === 'see') {
            ledger.see('n');
            isSeen = true;
          } else if (name === 'startWrite') {
            ledger.startWrite('n');
            writes += 1;
            isProven = false;
            roundProves = roundProves === null ? null : false;
          } else if (name === 'endWrite' && writes > 0) {
            ledger.endWrite('n');
            writes -= 1;
          } else if (name === 'startRound' && roundProves === null) {
            round = ledger.startRound();
            roundProves = isSeen && writes === 0;
          } else if ((name === 'endRound' || name === 'failRound') && roundProves !== null) {
            ledger.endRound(round, name === 'endRound');
            if (name === 'endRound' && roundProves) isProven = true;
            roundProves = null;
          }
          if (ledger.isApplied('n')) expect(isProven).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
