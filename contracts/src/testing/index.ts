export { expectInvertible } from './expect-invertible.ts';
export { valuesOf } from './values-of.ts';
