/** The mixed transactions through Debezium and Kafka. */
import { createDebeziumTestBed } from '../beds/debezium-test-bed.ts';
import { testMixed } from './mixed-cases.ts';

testMixed((url) => createDebeziumTestBed('mixed', { url }));
