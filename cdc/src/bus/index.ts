export * from './bus.ts';
export * from './bus-errors.ts';
export { openKafkaBus, type KafkaBus, type KafkaBusOptions } from './kafka/kafka-bus.ts';
export {
  busConfigTable,
  openBus,
  stacks,
  wanted,
  type BusSettings,
  type OpenedBus,
  type Stack,
} from './open-bus.ts';
export { roomWarning } from './retention/bus-room.ts';
export type { EmbeddedBus, KeptBus } from './retention/kept-bus.ts';
export { openSqliteBus } from './sqlite/sqlite-bus.ts';
