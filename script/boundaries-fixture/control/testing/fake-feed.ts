export const fakeFeed = 'a fake';
