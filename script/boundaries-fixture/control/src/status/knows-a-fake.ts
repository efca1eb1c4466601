export { fakeFeed } from '../../testing/fake-feed.ts';
