export * from './processes.ts';
export * from './metric-faults.ts';
