import { expect, test } from '@jest/globals';
import { recentLooks, windowOf, type TrafficLook } from './traffic-window.ts';

const look = (atMs: number, run: string, requests: number, errors = 0): TrafficLook => {
  const counts = { requests, errors, p95Ms: requests };
  return { atMs, run, monolith: counts, service: counts };
};

test('counts what was answered within the window, over proxies, and across the restart of one', () => {
  const looks = [
    look(0, 'a', 100),
    look(1, 'b', 7),
    look(2, 'a', 130, 3),
    look(3, 'a again', 0),
    look(4, 'a again', 5),
  ];
  expect(windowOf(looks)?.service).toEqual({ requests: 35, errors: 3, p95Ms: 130 });
});

test('nobody told: nothing is known', () => {
  expect(windowOf([])).toBeNull();
  expect(recentLooks([look(0, 'a', 1), look(50_000, 'a', 2)], 61_000)).toHaveLength(1);
});
