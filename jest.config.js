/** One configuration for all packages. Files end in `.test.ts`; those that need processes or a database of their own end in `.e2e.test.ts`. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['**/*.test.ts'],
  // Homes: `.banyan/`, and others beside it. They hold databases, whose folders only PostgreSQL's account may read.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/\\.banyan'],
  modulePathIgnorePatterns: ['<rootDir>/\\.banyan'],
  watchPathIgnorePatterns: ['<rootDir>/\\.banyan'],
  // Each has a PostgreSQL of its own, and end-to-end tests keep more than one core busy.
  maxWorkers: 2,
  testSequencer: '<rootDir>/script/longest-first.js',
  globalSetup: '<rootDir>/script/jest-postgres-start.js',
  globalTeardown: '<rootDir>/script/jest-postgres-stop.js',
  // Only for what hangs: a busy machine may be ten times as slow as a quiet one.
  testTimeout: 120_000,
};
