/** What a product is to those who use it: nobody puts a mug together or washes a bookcase. */
export type ProductSort = 'furniture' | 'lighting' | 'textiles' | 'kitchen' | 'baskets';

/** What customers say, by their number of stars (index 0 is one star). Only ever append. */
export const REVIEW_TITLES: readonly (readonly string[])[] = [
  ['Not for us', 'Sent it back', 'Disappointed', 'Expected more for the money'],
  ['Looks better than it is', 'Hm', 'Not quite right', 'Good idea, poor finish'],
  ['Fine, no more', 'Does what it says', 'Mixed feelings', 'Decent, with a but'],
  ['Very happy', 'Nearly perfect', 'Lovely thing', 'Would buy again', 'Good quality'],
  ['Love it', 'Perfect', 'Exactly what I hoped for', 'So glad we did', 'Worth every cent', 'A joy to use'],
];

/** Of any product. */
export const REVIEW_BODIES: readonly (readonly string[])[] = [
  [
    'It arrived with a scratch and the replacement had one too. Customer service was kind about it.',
    'The colour is nothing like the picture. On its way back.',
  ],
  ['Nice to look at, but you notice where they saved.', 'Smaller than I thought. Do read the measurements.'],
  [
    'It does the job. I would not cross the street to look at it.',
    'Good quality, but it took five weeks to come.',
    'We are still not sure about the colour. The children like it.',
  ],
  [
    'Well made and well packed. One star off for the delivery window of a whole day.',
    'Really pleased. The finish is lovely.',
    'Simple, solid, and my neighbour has ordered the same.',
  ],
  [
    'Even nicer than in the picture. The material feels as if it will last for ever.',
    'I bought one, and a week later the second.',
    'Beautifully made. You can tell that someone cared about the parts that nobody sees.',
  ],
];

/** Of one sort of product alone. */
export const REVIEW_BODIES_OF: Readonly<Record<ProductSort, readonly (readonly string[])[]>> = {
  furniture: [
    ['Wobbled from the first day.'],
    ['It took three evenings to put together and one screw was missing.'],
    ['Comfortable enough. The feet leave marks on a wooden floor, so buy felt pads.'],
    [
      'Looks just as in the picture. A touch lower than our old one, but we have got used to it.',
      'Really pleased. The finish is lovely, and it came assembled.',
    ],
    [
      'We have had it for half a year now, with two children and a dog, and it still looks new.',
      'It makes the whole room look as if somebody had thought about it.',
    ],
  ],
  lighting: [
    ['It flickers with every bulb I have tried.'],
    ['The cord is a metre too short for our ceiling.'],
    ['A pretty lamp. You will want a second one to read by.'],
    ['Lovely warm light. The switch could be easier to find in the dark.'],
    ['We switch it on before anything else when we come home.'],
  ],
  textiles: [
    ['It shed all over the sofa, and did not stop.'],
    ['Came out of its first wash a size smaller, though I kept to the label.'],
    ['Soft, but it creases if you so much as look at it.'],
    ['So soft. I only wish that it came a little larger.'],
    ['The cat has claimed it. I bought another for myself.'],
  ],
  kitchen: [
    ['It cracked the second time it went into the dishwasher.'],
    ['Beautiful, but it stains at once.'],
    ['It takes up half the cupboard. Nice on the table, though.'],
    ['Good in the hand and easy to clean. One star off, since it stains a little.'],
    ['In use every day since it came, and not a chip in it.'],
  ],
  baskets: [
    ['A handle came off in the first week.'],
    ['It smelled of glue for a month.'],
    ['Holds less than I had hoped. It is good looking, I give them that.'],
    ['Sturdy, and light enough to carry up the stairs when it is full.'],
    ['The toys have a home at last. We have bought two more.'],
  ],
};

/** Ends that some reviews have. */
export const REVIEW_AFTERTHOUGHTS = [
  'Would recommend.',
  'Already looking at what goes with it.',
  'A little dearer than others, but you see why.',
  'My mother wants one now.',
  'Bought in the spring, and still glad of it.',
] as const;
