import { createIdentitySigner, type Closable, type Logger } from '@banyan/kit';
import type { Dispatcher } from 'undici';
import { createAddressCheck } from '../forward/client-address.ts';
import type { ControlClient } from '../outbound/control-client.ts';
import type { RoutingTable } from '../routes/domain/routing-table.ts';
import { addedHeaders, type Added, type AnswerTo } from './answer-headers.ts';
import { createSessionCache, type SessionCache } from './session-cache.ts';
import { KeyPins } from './key-pins.ts';
import { createPinCookies } from './pin-cookie.ts';
import { createPinTracker, type PinTracker } from './pin-tracker.ts';
import { createSessionLookup } from './session-lookup.ts';
import { createVisitReader, type ReadVisit, type Visit } from './visit.ts';

/** What the proxy knows of those who ask. */
export interface Visitors extends Closable {
  readonly read: ReadVisit;
  /** @throws Error when the monolith does not say who it is. */
  readonly identify: SessionCache['identify'];
  /** True while the monolith has to answer a visitor who wrote to it. */
  isPinned(visit: Visit, table: RoutingTable | null): boolean;
  /** Brackets a request that may change something; call what comes back when it is over. */
  startWrite(visit: Visit, table: RoutingTable | null): () => void;
  /** What the proxy adds to an answer: pins, a visitor's id, and who served a tester. */
  added(answer: AnswerTo): Added;
  /** Tells which slices copy, whenever the routes change. */
  useRoutes(table: RoutingTable): void;
  /** How often the control plane was asked how far the copies are. */
  readonly rounds: PinTracker['rounds'];
}

export interface VisitorsOptions {
  readonly overrideToken: string;
  readonly pinSecret: string;
  /** Ed25519, PKCS #8 in PEM. */
  readonly identityPrivateKey: string;
  /** Default none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Addresses of the monolith in the order in which they are to be asked. */
  readonly monolithInTurn: () => readonly string[];
  /** For questions to the monolith. */
  readonly dispatcher: Dispatcher;
  /** Null where there is no control plane: then nothing would ever end a pin of a key, and none is held at the start. */
  readonly control: Pick<ControlClient, 'isCaughtUp'> | null;
  readonly log: Logger;
}

/** @throws Error for a key that cannot be used. */
export async function createVisitors(options: VisitorsOptions): Promise<Visitors> {
  const { overrideToken, pinSecret, trustedProxies = [], control, log } = options;
  const { monolithInTurn, dispatcher } = options;
  const pinCookies = createPinCookies(pinSecret);
  const identities = createSessionCache({
    lookUp: createSessionLookup({ monolithInTurn, dispatcher }),
    signer: await createIdentitySigner(options.identityPrivateKey),
  });
  const pins = createPinTracker({
    isCaughtUp: control?.isCaughtUp ?? (() => Promise.resolve(false)), // nobody to ask: pins stay
    log,
  });
  const keyPins = new KeyPins(pins, { startsPinned: control !== null });
  const read = createVisitReader({
    overrideToken,
    pins: pinCookies,
    trustedProxies,
    isAmong: createAddressCheck(),
  });

  return {
    read,
    identify: (credential) => identities.identify(credential),
    isPinned(visit, table) {
      if (!table?.isPinning) return false;
      // Both are asked, so that the next round asks for both.
      const byCookie = visit.pinNonce !== null && pins.isPinned(visit.pinNonce);
      return keyPins.isPinned(visit.pinKeys) || byCookie;
    },
    startWrite(visit, table) {
      const { pinNonce, credential } = visit;
      const pinKeys = table?.isPinning ? visit.pinKeys : [];
      // Neither while a write is under way nor after it may the pin that it brought be cleared: its answer brings a
      // new one, which a late clearing would take away.
      if (pinNonce !== null) pins.startWrite(pinNonce);
      keyPins.startWrite(pinKeys);
      return () => {
        if (pinNonce !== null) pins.endWrite(pinNonce);
        keyPins.endWrite(pinKeys);
        if (credential !== null) identities.forget(credential); // it may have been a sign-in or a sign-out
      };
    },
    added: (answer) => addedHeaders(answer, { pins, pinCookies }),
    useRoutes: ({ copiedSlices }) => pins.useSlices(copiedSlices),
    rounds: pins.rounds,
    close: () => pins.close(),
  };
}
