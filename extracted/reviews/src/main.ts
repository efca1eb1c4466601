/** Starts the reviews service: `STORE_FILE=... BUS_FILE=... node extracted/reviews/src/main.ts`. */
import { runService } from '@banyan/service';
import { reviewsService } from './service.ts';

await runService(reviewsService);
