import { createRandom } from '../random.ts';
import { FORMS, type Ink } from './picture-forms.ts';

interface Palette {
  readonly ground: string;
  readonly arch: string;
  readonly main: string;
  readonly dark: string;
  readonly light: string;
}

const PALETTES: readonly Palette[] = [
  { ground: '#f4ece1', arch: '#e6d3bd', main: '#b8623c', dark: '#8a4426', light: '#e9b596' },
  { ground: '#e9efe8', arch: '#cfdccb', main: '#5d7f63', dark: '#3f5c46', light: '#b4cbb2' },
  { ground: '#e8eef2', arch: '#c9d8e2', main: '#466b87', dark: '#2d4a61', light: '#a9c3d4' },
  { ground: '#f6efdc', arch: '#ecd9a8', main: '#c9962f', dark: '#94691a', light: '#f0d595' },
  { ground: '#f3e9ea', arch: '#e2c9cc', main: '#99525f', dark: '#6f3542', light: '#d9a9b0' },
  { ground: '#eeebe6', arch: '#d8d2c8', main: '#6d6459', dark: '#484139', light: '#bdb3a5' },
  { ground: '#ebeaf2', arch: '#d2cfe4', main: '#67608f', dark: '#474169', light: '#b7b1d3' },
];
const WOODS = [
  { wood: '#c99a66', woodDark: '#a2754a' },
  { wood: '#a9743f', woodDark: '#7f5429' },
  { wood: '#dbb98c', woodDark: '#b8926a' },
  { wood: '#7a5236', woodDark: '#573822' },
] as const;

/**
 * A product's picture as SVG of 400 by 400: the same for the same category and seed.
 * `imageSeed % number of forms` chooses the thing, the rest of it colours and proportions.
 */
export function drawProduct(categorySlug: string, imageSeed: number): string {
  const random = createRandom(imageSeed);
  const palette = random.pick(PALETTES);
  const ink: Ink = { ...palette, ...random.pick(WOODS), random };
  const forms = Object.values(FORMS[categorySlug] ?? {});
  const form = forms[Math.abs(imageSeed) % Math.max(1, forms.length)];
  const archX = random.int(70, 110);
  const width = 400 - 2 * archX;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">` +
    `<rect width="400" height="400" fill="${palette.ground}"/>` +
    `<path d="M${archX} 320 V${archX + width / 2 - 50} a${width / 2} ${width / 2} 0 0 1 ${width} 0 V320 Z" fill="${palette.arch}" opacity=".65"/>` +
    `<rect y="320" width="400" height="80" fill="${palette.arch}"/>` +
    `<ellipse cx="200" cy="323" rx="128" ry="11" fill="${palette.dark}" opacity=".18"/>` +
    (form ? form(ink) : '') +
    `</svg>`
  );
}
