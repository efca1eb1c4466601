import { describeBusContract } from '../contracts/bus-contract.ts';
import { createMemoryBus } from './memory-bus.ts';

describeBusContract('The bus in memory', () => Promise.resolve(createMemoryBus()));
