import type { ProductSort } from './review-words.ts';

// Words that the seed makes a shop of. Only ever append: the order decides what a seed number means.

// prettier-ignore
export const SERIES = [
  'Marlow', 'Tansy', 'Harrow', 'Fennel', 'Wren', 'Ashby', 'Calder', 'Linden', 'Heron', 'Sorrel', 'Bramley', 'Otter',
  'Juniper', 'Hollin', 'Teasel', 'Kestrel', 'Rowan', 'Sedge', 'Thistle', 'Alder', 'Mallow', 'Plover', 'Quince', 'Bracken',
] as const;

/** Materials of each kind, or else of its department, with what the description says of them. */
export const MATERIALS: Readonly<Record<string, readonly (readonly [name: string, line: string])[]>> = {
  seating: [
    ['Oak', 'Solid oak from managed forests, finished with hard-wax oil.'],
    ['Walnut', 'American walnut that grows warmer in tone with the years.'],
    ['Ash', 'Steam-bent ash: light to lift, hard to break.'],
    ['Bouclé', 'Covered in a looped wool bouclé whose cover comes off for cleaning.'],
  ],
  tables: [
    ['Oak', 'A solid oak top with a softened edge, oiled by hand.'],
    ['Walnut', 'Walnut with a straight, quiet grain. Each top is one of a kind.'],
    ['Beech', 'Pale beech, joined without a single screw in sight.'],
    ['Elm', 'Reclaimed elm, with the knots left where the tree put them.'],
  ],
  lighting: [
    ['Brass', 'Brushed brass that takes on a patina if you let it.'],
    ['Linen', 'A linen shade that turns any bulb into evening light.'],
    ['Ceramic', 'Glazed stoneware, no two drips alike.'],
    ['Paper', 'Pleated paper over a folding frame; comes flat, opens in a minute.'],
  ],
  textiles: [
    ['Wool', 'New wool, spun and woven in the same valley.'],
    ['Linen', 'Washed linen that is soft from the first day.'],
    ['Cotton', 'Organic cotton, dyed in small batches.'],
    ['Mohair', 'Brushed mohair: improbably light, improbably warm.'],
  ],
  kitchen: [
    ['Stoneware', 'Thrown stoneware with a matt outside and a glazed inside.'],
    ['Porcelain', 'Fine porcelain that is tougher than it looks.'],
    ['Enamel', 'Enamelled steel, for the hob, the table and the garden.'],
  ],
  'Chopping Board': [
    ['Oak', 'End-grain oak that is kind to knives.'],
    ['Olive Wood', 'Cut from olive prunings; a drop of oil now and then keeps it well.'],
    ['Beech', 'One piece of steamed beech, thick enough to plane and start again.'],
  ],
  storage: [
    ['Rattan', 'Woven rattan over a bent-cane frame.'],
    ['Pine', 'Scandinavian pine, soaped rather than varnished.'],
    ['Felt', 'Pressed felt from recycled bottles. Folds flat when it is not needed.'],
  ],
  Bookcase: [
    ['Oak', 'Solid oak shelves that carry encyclopedias without a sigh.'],
    ['Walnut', 'Walnut uprights, dovetailed shelves, no visible fixings.'],
  ],
  'Chest of Drawers': [
    ['Oak', 'Oak inside and out, with runners that close softly.'],
    ['Ash', 'White-oiled ash and drawers that open to the very end.'],
  ],
};

// prettier-ignore
export const OPENINGS = [
  'Made for the everyday.', 'A quiet piece that goes with what you have.', 'Small workshop, long life.',
  'The one that our own staff take home.', 'Back by request.', 'Drawn in our studio, made an hour away.',
] as const;

// prettier-ignore
export const CLOSINGS = [
  'Two-year guarantee, longer if you ask nicely.', 'Packed without plastic.', 'Returns within thirty days, no questions.',
] as const;

/** Ends of descriptions that fit one sort of product alone. */
export const CLOSINGS_OF: Readonly<Record<ProductSort, readonly string[]>> = {
  furniture: [
    'Spare parts kept for ten years.',
    'Delivered assembled.',
    'Arrives in a flat box with one tool.',
  ],
  lighting: [
    'Spare parts kept for ten years.',
    'Bulb included.',
    'Wired for you by any electrician in minutes.',
  ],
  textiles: [
    'Machine washable at thirty degrees.',
    'Airs well, washes rarely.',
    'Dyed without heavy metals.',
  ],
  kitchen: [
    'Safe with food, as you would hope.',
    'Seconds are sold at the workshop door.',
    'Wipe clean with a damp cloth.',
  ],
  baskets: [
    'Wipe clean with a damp cloth.',
    'Handles that can be replaced.',
    'Carries more than you would think.',
  ],
};

/** Cheapest and dearest price in cents of each kind. */
export const PRICES_CENTS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  'Dining Chair': [14_900, 44_900],
  Armchair: [49_900, 129_900],
  Stool: [7_900, 18_900],
  Bench: [19_900, 49_900],
  'Dining Table': [69_900, 189_900],
  'Pedestal Table': [49_900, 119_900],
  'Side Table': [12_900, 34_900],
  Desk: [39_900, 99_900],
  'Pendant Light': [8_900, 29_900],
  'Table Lamp': [5_900, 19_900],
  'Floor Lamp': [14_900, 39_900],
  Cushion: [2_900, 7_900],
  Throw: [5_900, 18_900],
  Rug: [14_900, 69_900],
  Mug: [1_400, 2_900],
  'Serving Bowl': [2_900, 7_900],
  Jug: [2_400, 5_900],
  'Chopping Board': [2_900, 8_900],
  Bookcase: [29_900, 89_900],
  Basket: [1_900, 6_900],
  'Storage Box': [1_900, 5_900],
  'Chest of Drawers': [39_900, 109_900],
};

// prettier-ignore
export const FIRST_NAMES = [
  'Ann', 'Ben', 'Clara', 'David', 'Elif', 'Finn', 'Grace', 'Hamid', 'Ines', 'Jonas', 'Kemi', 'Liam', 'Mara', 'Noah',
  'Olive', 'Piotr', 'Quinn', 'Rosa', 'Sven', 'Tara', 'Umar', 'Vera', 'Wim', 'Xenia', 'Yusuf', 'Zoë',
] as const;

// prettier-ignore
export const LAST_NAMES = [
  'Archer', 'Bianchi', 'Cole', 'Dubois', 'Evans', 'Fischer', 'García', 'Hughes', 'Ivanov', 'Jensen', 'Kaya', 'Lund',
  'Murphy', 'Novak', 'Okafor', 'Patel', 'Quist', 'Rossi', 'Singh', 'Taylor', 'Ueda', 'Virtanen', 'Walsh', 'Young',
] as const;

export const STREETS = [
  'Mill Lane',
  'Orchard Road',
  'High Street',
  'Station Road',
  'Chapel Hill',
  'Quay Street',
] as const;
// prettier-ignore
export const CITIES = [
  ['D02 X285', 'Dublin'], ['T12 W8KN', 'Cork'], ['H91 E9W3', 'Galway'], ['V94 T2XK', 'Limerick'], ['X91 PK20', 'Waterford'],
] as const;
