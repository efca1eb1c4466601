/** Starts the reviews service: `STORE_FILE=... BUS_FILE=... node extracted/reviews/src/main.ts`. See `config.ts`. */
import { createLogger, readConfig, runProcess } from '@banyan/kit';
import { configTable } from './config.ts';
import { createReviews } from './create-reviews.ts';

const log = createLogger('reviews');
await runProcess({ log, start: () => createReviews({ ...readConfig(configTable), log }) });
