import { defaultGateLimits, type GateLimits, type SliceDefinition } from '@banyan/contracts';
import { carriedTables, type CarriedTable } from '@banyan/cdc/capture';
import type { ServiceCopy } from './service-copy.ts';
import { ControlError } from '../control-error.ts';
import type { SliceState } from './domain/slice-state.ts';

/** A slice with what control needs to move it. */
export interface ManagedSlice {
  readonly name: string;
  readonly definition: SliceDefinition;
  readonly limits: GateLimits;
  readonly canaryShares: readonly number[];
  readonly serviceUrl: string;
  readonly copy: ServiceCopy;
  /** `schema.table` of every table, owned and reference. */
  readonly tables: readonly string[];
  /** The same, with the columns that it maps. */
  readonly carried: readonly CarriedTable[];
}

/** A slice and where it stands. */
export interface SliceWithState {
  readonly slice: ManagedSlice;
  readonly state: SliceState;
}

const DEFAULT_CANARY_SHARES = [0.05, 0.25, 0.5, 1];

/** Where a slice's service answers, and its copy. */
export interface Service {
  readonly url: string;
  readonly copy: ServiceCopy;
}

/** Fills in the defaults of a definition. */
export function manageSlice(definition: SliceDefinition, service: Service): ManagedSlice {
  return {
    name: definition.name,
    definition,
    limits: { ...defaultGateLimits, ...definition.gates },
    canaryShares: definition.canaryShares ?? DEFAULT_CANARY_SHARES,
    serviceUrl: service.url,
    copy: service.copy,
    tables: definition.tables.map((table) => table.source),
    carried: carriedTables([definition]),
  };
}

/** @throws Error when a slice has no service. */
export function manageSlices(
  definitions: readonly SliceDefinition[],
  services: Readonly<Record<string, Service>>,
): ManagedSlice[] {
  return definitions.map((definition) => {
    const service = services[definition.name];
    if (!service) throw new Error(`Slice "${definition.name}" has no service.`);
    return manageSlice(definition, service);
  });
}

/** A command named a slice that the configuration does not hold. */
export class UnknownSliceError extends ControlError<'not-found'> {
  constructor(slice: string, slices: readonly string[]) {
    super('unknown', 'not-found', `There is no slice "${slice}".`, {
      evidence: [`slices: ${slices.join(', ')}`],
      nextSteps: ['banyan slices'],
    });
  }
}

/** @throws UnknownSliceError */
export function findSlice(slices: readonly ManagedSlice[], name: string): ManagedSlice {
  const slice = slices.find((candidate) => candidate.name === name);
  if (slice) return slice;
  throw new UnknownSliceError(
    name,
    slices.map((each) => each.name),
  );
}
