export interface Visit {
  readonly key: string;
}
