/**
 * Names that stood in the code before `banyan.config.ts` said them. State folders and scripts of that time go on with them;
 * nothing else may say them (`npm run lint`).
 */
/* eslint-disable no-restricted-syntax -- the one place for names of the sample that were fixed once */

/** Of homes that were begun before installations had ids: their slots and publications have this name. */
export const FIRST_INSTALLATION_ID = 'shop';

/** First part of every topic, of homes that were begun before it could be chosen. */
export const FIRST_TOPIC_PREFIX = 'shop';

/** How files of ports called the proxy's listener for customers. */
export const FIRST_PUBLIC_PORT = 'shop';

/** How the state of a run, and `up --json`, called the address for customers. */
export const FIRST_PUBLIC_URL = 'shopUrl';

/** The flag that is now `--sample`. */
export const FIRST_SAMPLE_FLAG = '--sample-shop';
/** How commander names what that flag sets. */
export const FIRST_SAMPLE_OPTION = 'sampleShop';
