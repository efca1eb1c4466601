import type { Gate } from '../gates/domain/gate.ts';

export const gate: Gate = 'a type is known as well';
