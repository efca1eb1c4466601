/** A department: fixed, as the navigation of every page shows all of them. */
export interface Department {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
}

/** The departments in the order of the navigation. The seed makes a category of each. */
export const DEPARTMENTS: readonly Department[] = [
  {
    slug: 'seating',
    name: 'Seating',
    description: 'Chairs, stools and benches made to be sat on for years, and mended when they need it.',
  },
  {
    slug: 'tables',
    name: 'Tables',
    description: 'Solid tops, honest joints. For breakfasts, homework and everything in between.',
  },
  {
    slug: 'lighting',
    name: 'Lighting',
    description: 'Warm light where you need it: by the bed, over the table, beside the good chair.',
  },
  {
    slug: 'textiles',
    name: 'Textiles',
    description: 'Cushions, throws and rugs in wool, linen and cotton, woven in small mills.',
  },
  {
    slug: 'kitchen',
    name: 'Kitchen',
    description: 'Stoneware, glass and wood that look good on the table and go in the dishwasher.',
  },
  {
    slug: 'storage',
    name: 'Storage',
    description: 'Shelves, boxes and baskets: a place for the things that never had one.',
  },
];
