export { createMemoryBus } from './beds/memory-bus.ts';
