import type { Random } from '../random.ts';

/** Colours of one picture, and its own chance for small variations. */
export interface Ink {
  readonly main: string;
  readonly dark: string;
  readonly light: string;
  readonly wood: string;
  readonly woodDark: string;
  readonly random: Random;
}

/** Draws one thing, standing on y = 320 of a square of 400. */
export type Form = (ink: Ink) => string;

type Point = readonly [x: number, y: number];
const rect = (fill: string, [x, y]: Point, [width, height]: Point, rx = 0) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${rx}" fill="${fill}"/>`;
const path = (fill: string, d: string) => `<path d="${d}" fill="${fill}"/>`;
const line = (stroke: string, width: number, d: string) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
const ellipse = (fill: string, [x, y]: Point, [rx, ry]: Point) =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}"/>`;
const repeat = (count: number, draw: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

const chair: Form = ({ main, dark, wood, woodDark, random }) => {
  const top = random.int(100, 125);
  return (
    line(woodDark, 11, `M152 225 L140 320 M248 225 L262 320`) +
    line(wood, 11, `M150 ${top} L146 320 M252 ${top} L256 320`) +
    rect(main, [142, top - 8], [118, 62], 22) +
    rect(main, [128, 206], [146, 32], 15) +
    rect(dark, [132, 228], [138, 12], 6)
  );
};
const armchair: Form = ({ main, dark, light, woodDark, random }) => {
  const top = random.int(110, 135);
  return (
    line(woodDark, 12, 'M128 280 L118 320 M272 280 L282 320') +
    rect(dark, [112, top], [176, 150], 48) +
    rect(main, [126, top + 14], [148, 120], 38) +
    rect(light, [122, 212], [156, 44], 18) +
    rect(main, [96, 190], [44, 102], 20) +
    rect(main, [260, 190], [44, 102], 20) +
    rect(dark, [120, 254], [160, 40], 12)
  );
};
const stool: Form = ({ main, dark, wood, woodDark, random }) => {
  const top = random.int(170, 200);
  return (
    line(woodDark, 10, `M175 ${top} L160 320 M225 ${top} L240 320`) +
    line(wood, 11, `M160 ${top} L130 320 M240 ${top} L270 320 M146 268 L254 268`) +
    ellipse(dark, [200, top + 6], [78, 20]) +
    ellipse(main, [200, top - 4], [78, 20])
  );
};
const bench: Form = ({ main, dark, wood, woodDark, random }) => {
  const slats = random.int(3, 5);
  return (
    line(woodDark, 12, 'M100 240 L90 320 M300 240 L310 320 M98 285 L302 285') +
    rect(woodDark, [70, 226], [260, 18], 7) +
    rect(wood, [70, 216], [260, 18], 7) +
    rect(main, [84, 196], [232, 24], 11) +
    repeat(slats, (i) => rect(dark, [84 + ((i + 1) * 232) / (slats + 1), 198], [4, 20], 2))
  );
};
const diningTable: Form = ({ main, dark, wood, woodDark, random }) => {
  const splay = random.int(0, 26);
  return (
    line(woodDark, 14, `M110 190 L${110 - splay} 320 M290 190 L${290 + splay} 320`) +
    rect(woodDark, [78, 186], [244, 20], 4) +
    rect(wood, [56, 170], [288, 20], 9) +
    path(main, 'M176 170 q-8 -44 24 -44 q32 0 24 44 z') +
    line(dark, 5, 'M200 126 C196 98 178 92 168 78 M200 126 C206 92 224 94 236 72 M200 126 L202 66')
  );
};
const roundTable: Form = ({ main, dark, wood, woodDark, random }) => {
  const foot = random.int(60, 84);
  return (
    path(woodDark, `M186 200 L214 200 L222 300 L${200 + foot} 320 L${200 - foot} 320 L178 300 Z`) +
    ellipse(woodDark, [200, 196], [136, 26]) +
    ellipse(wood, [200, 186], [136, 26]) +
    ellipse(main, [200, 180], [44, 9]) +
    path(dark, 'M176 176 q0 -26 24 -26 q24 0 24 26 q-24 10 -48 0 z')
  );
};
const sideTable: Form = ({ main, dark, wood, woodDark, random }) => {
  const shelf = random.int(246, 276);
  return (
    line(woodDark, 11, 'M146 170 L136 320 M254 170 L264 320') +
    rect(wood, [138, shelf], [124, 12], 5) +
    rect(main, [156, shelf - 24], [72, 10], 3) +
    rect(dark, [164, shelf - 12], [70, 12], 3) +
    rect(woodDark, [128, 168], [144, 34], 6) +
    rect(wood, [118, 156], [164, 18], 8) +
    `<circle cx="200" cy="187" r="5" fill="${main}"/>`
  );
};
const desk: Form = ({ main, dark, wood, woodDark, light }) =>
  line(woodDark, 12, 'M86 190 L80 320 M314 190 L320 320') +
  rect(woodDark, [210, 190], [100, 64], 6) +
  rect(wood, [60, 172], [280, 20], 8) +
  rect(light, [220, 200], [80, 20], 4) +
  rect(light, [220, 226], [80, 20], 4) +
  rect(main, [110, 108], [96, 58], 6) +
  rect(dark, [150, 164], [16, 10]);
const pendant: Form = ({ main, dark, light, random }) => {
  const width = random.int(72, 100);
  return (
    line(dark, 5, 'M200 0 L200 132') +
    ellipse(light, [200, 232], [width - 10, 14]) +
    path(
      main,
      `M200 120 C240 124 ${200 + width} 170 ${200 + width} 228 L${200 - width} 228 C${200 - width} 170 160 124 200 120 Z`,
    ) +
    `<circle cx="200" cy="240" r="19" fill="#fff3c4"/>` +
    rect(dark, [188, 110], [24, 18], 6)
  );
};
const tableLamp: Form = ({ main, dark, light, wood, random }) => {
  const slope = random.int(24, 46);
  return (
    path(wood, 'M166 320 q-10 -66 34 -92 q44 26 34 92 z') +
    rect(dark, [194, 190], [12, 44]) +
    path(main, `M${130 + slope} 92 L${270 - slope} 92 L282 200 L118 200 Z`) +
    path(light, `M${130 + slope} 92 L${156 + slope} 92 L150 200 L118 200 Z`)
  );
};
const floorLamp: Form = ({ main, dark, light, woodDark, random }) => {
  const lean = random.int(-14, 14);
  return (
    line(woodDark, 9, `M200 150 L150 320 M200 150 L250 320 M200 150 L${200 + lean} 320`) +
    path(main, 'M156 60 L244 60 L266 156 L134 156 Z') +
    path(light, 'M156 60 L178 60 L162 156 L134 156 Z') +
    rect(dark, [132, 152], [136, 7], 3)
  );
};
const cushion: Form = ({ main, dark, light, random }) => {
  const stripes = random.int(2, 5);
  return (
    path(main, 'M100 130 Q200 112 300 130 Q320 220 302 312 Q200 326 98 312 Q80 220 100 130 Z') +
    repeat(stripes, (i) => {
      const y = 130 + ((i + 1) * 180) / (stripes + 1);
      return line(i % 2 === 0 ? light : dark, 10, `M98 ${y} Q200 ${y - 12} 302 ${y}`);
    }) +
    line(dark, 4, 'M100 130 Q200 112 300 130 Q320 220 302 312 Q200 326 98 312 Q80 220 100 130 Z')
  );
};
const throwBlanket: Form = ({ main, dark, light, random }) => {
  const rows = random.int(2, 4);
  return (
    rect(dark, [96, 246], [208, 60], 20) +
    rect(main, [90, 196], [220, 64], 22) +
    rect(light, [100, 152], [200, 56], 22) +
    repeat(rows, (i) => line(dark, 5, `M112 ${212 + i * 13} L288 ${212 + i * 13}`)) +
    repeat(15, (i) => line(main, 4, `M${106 + i * 13} 304 l0 16`))
  );
};
const rug: Form = ({ main, dark, light, random }) => {
  const diamonds = random.int(3, 5);
  const step = 220 / diamonds;
  return (
    path(main, 'M92 110 L308 110 L348 300 L52 300 Z') +
    path(dark, 'M104 126 L296 126 L330 284 L70 284 Z') +
    path(main, 'M112 136 L288 136 L318 274 L82 274 Z') +
    repeat(diamonds, (i) => {
      const x = 90 + step * (i + 0.5);
      return path(light, `M${x} 168 l${step * 0.38} 38 l${-step * 0.38} 38 l${-step * 0.38} -38 Z`);
    }) +
    repeat(20, (i) => line(light, 3, `M${58 + i * 15} 302 l0 14`))
  );
};
const mug: Form = ({ main, dark, light, random }) => {
  const band = random.int(200, 250);
  return (
    line(main, 20, 'M264 186 C330 176 328 280 256 276') +
    path(main, 'M128 146 L272 146 L264 300 Q262 320 240 320 L160 320 Q138 320 136 300 Z') +
    path(light, `M131 ${band} L269 ${band} L268 ${band + 26} L132 ${band + 26} Z`) +
    ellipse(dark, [200, 147], [72, 15])
  );
};
const bowl: Form = ({ main, dark, light, random }) => {
  const depth = random.int(300, 316);
  return (
    rect(dark, [162, depth - 8], [76, 14], 5) +
    path(main, `M84 188 Q94 ${depth} 200 ${depth} Q306 ${depth} 316 188 Z`) +
    line(light, 9, 'M94 224 Q200 250 306 224') +
    ellipse(dark, [200, 188], [116, 24]) +
    ellipse(light, [200, 192], [92, 15])
  );
};
const jug: Form = ({ main, dark, light, random }) => {
  const belly = random.int(80, 96);
  return (
    line(main, 16, 'M256 150 C330 150 318 258 268 264') +
    path(
      main,
      `M152 110 L250 110 Q240 158 ${200 + belly} 230 Q${206 + belly} 320 236 320 L164 320 Q${194 - belly} 320 ${200 - belly} 230 Q162 158 134 104 Z`,
    ) +
    line(light, 8, `M${202 - belly} 240 Q200 262 ${198 + belly} 240`) +
    ellipse(dark, [198, 110], [50, 10])
  );
};
const board: Form = ({ wood, woodDark, main, light, random }) => {
  const veins = random.int(3, 5);
  return (
    path(
      woodDark,
      'M150 128 Q150 100 186 100 L186 72 Q200 52 214 72 L214 100 Q250 100 250 128 L262 306 Q262 322 244 322 L156 322 Q138 322 138 306 Z',
    ) +
    path(
      wood,
      'M156 128 Q156 106 186 106 L188 74 Q200 60 212 74 L214 106 Q244 106 244 128 L254 302 Q254 314 242 314 L158 314 Q146 314 146 302 Z',
    ) +
    repeat(veins, (i) => line(woodDark, 2, `M${164 + i * 18} 140 Q${172 + i * 18} 220 ${160 + i * 19} 304`)) +
    `<circle cx="200" cy="80" r="6" fill="${light}"/>` +
    path(main, 'M250 320 q-6 -44 26 -52 q34 10 26 52 z')
  );
};
const shelf: Form = ({ main, dark, light, wood, woodDark, random }) => {
  const shelves = [120, 186, 252, 312];
  const things = [main, dark, light, wood];
  const row = (y: number) =>
    repeat(6, (i) => {
      const height = random.int(22, 46);
      return random.chance(0.75)
        ? rect(random.pick(things), [128 + i * 24, y - height], [18, height], 3)
        : '';
    });
  return (
    line(woodDark, 10, 'M114 68 L114 320 M286 68 L286 320') +
    shelves.map((y) => row(y) + rect(woodDark, [110, y], [180, 9], 3)).join('')
  );
};
const basket: Form = ({ main, dark, light, random }) => {
  const rows = random.int(4, 6);
  const step = 130 / rows;
  return (
    line(dark, 11, 'M140 184 C140 96 260 96 260 184') +
    path(main, 'M96 180 L304 180 L282 306 Q280 320 262 320 L138 320 Q120 320 118 306 Z') +
    repeat(rows, (i) => {
      const y = 190 + step * (i + 0.5);
      const inset = (y - 180) * 0.17;
      return `<path d="M${104 + inset} ${y} L${296 - inset} ${y}" stroke="${i % 2 === 0 ? light : dark}" stroke-width="7" stroke-dasharray="16 8"/>`;
    }) +
    rect(dark, [90, 174], [220, 16], 8)
  );
};
const box: Form = ({ main, dark, light, wood, random }) => {
  const label = random.int(40, 70);
  return (
    rect(main, [96, 176], [208, 144], 10) +
    rect(dark, [84, 146], [232, 42], 10) +
    rect(light, [200 - label, 222], [label * 2, 44], 6) +
    rect(wood, [176, 160], [48, 14], 7)
  );
};
const cabinet: Form = ({ main, dark, light, wood, woodDark, random }) => {
  const drawers = random.int(3, 4);
  const height = 172 / drawers;
  return (
    line(woodDark, 12, 'M112 296 L104 320 M288 296 L296 320') +
    rect(woodDark, [92, 108], [216, 192], 8) +
    rect(wood, [82, 98], [236, 16], 7) +
    repeat(drawers, (i) => {
      const y = 120 + i * height;
      return (
        rect(i % 2 === 0 ? main : light, [102, y], [196, height - 8], 5) +
        rect(dark, [180, y + height / 2 - 8], [40, 7], 3)
      );
    })
  );
};

/** What a product of a department can be, in the order that `imageSeed` counts: names and drawings go together. */
export const FORMS: Readonly<Record<string, Readonly<Record<string, Form>>>> = {
  seating: { 'Dining Chair': chair, Armchair: armchair, Stool: stool, Bench: bench },
  tables: { 'Dining Table': diningTable, 'Pedestal Table': roundTable, 'Side Table': sideTable, Desk: desk },
  lighting: { 'Pendant Light': pendant, 'Table Lamp': tableLamp, 'Floor Lamp': floorLamp },
  textiles: { Cushion: cushion, Throw: throwBlanket, Rug: rug },
  kitchen: { Mug: mug, 'Serving Bowl': bowl, Jug: jug, 'Chopping Board': board },
  storage: { Bookcase: shelf, Basket: basket, 'Storage Box': box, 'Chest of Drawers': cabinet },
};
