import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ShopError, TooManyAttemptsError } from '../web/shop-error.ts';

/** How many wrong passwords there may be in `windowS` seconds before somebody has to wait. */
export interface SignInLimits {
  /** For one account, from wherever they come. Default 10. */
  readonly perAccount: number;
  /** From one address, for whichever accounts: a household or an office shares one. Default 100. */
  readonly perAddress: number;
  /** Default 15 minutes. */
  readonly windowS: number;
}

const defaults: SignInLimits = { perAccount: 10, perAddress: 100, windowS: 15 * 60 };

/** Keeps passwords from being guessed. */
export interface SignInThrottle {
  /**
   * Runs `signIn`. Only wrong passwords count in the end, but each attempt is counted before it is made: many at once
   * get no more tries than one after another. The right password forgets the wrong ones of its account.
   *
   * @throws TooManyAttemptsError, without running it; and what `signIn` throws.
   */
  attempt<T>(
    who: { readonly account: string; readonly address: string },
    signIn: () => Promise<T>,
  ): Promise<T>;
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    throw new TooManyAttemptsError(Math.ceil(refused.msBeforeNext / 1000));
  }
}

/** Counts in this process: a shop of several would count in each. */
export function createSignInThrottle(limits: Partial<SignInLimits> = {}): SignInThrottle {
  const { perAccount, perAddress, windowS } = { ...defaults, ...limits };
  const accounts = new RateLimiterMemory({ points: perAccount, duration: windowS });
  const addresses = new RateLimiterMemory({ points: perAddress, duration: windowS });
  return {
    async attempt({ account, address }, signIn) {
      await take(accounts, account);
      try {
        await take(addresses, address);
      } catch (refused) {
        await accounts.reward(account); // a stranger who has to wait locks nobody out
        throw refused;
      }
      try {
        const customer = await signIn();
        await accounts.delete(account);
        await addresses.reward(address);
        return customer;
      } catch (error) {
        if (!(error instanceof ShopError && error.code === 'wrong-credentials')) {
          // Nobody learned anything of the password.
          await accounts.reward(account);
          await addresses.reward(address);
        }
        throw error;
      }
    },
  };
}
