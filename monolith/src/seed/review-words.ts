/** What customers say, by their number of stars (index 0 is one star). Only ever append. */
export const REVIEW_TITLES: readonly (readonly string[])[] = [
  ['Not for us', 'Sent it back', 'Disappointed', 'Expected more for the money'],
  ['Looks better than it is', 'Hm', 'Not quite right', 'Good idea, poor finish'],
  ['Fine, no more', 'Does what it says', 'Mixed feelings', 'Decent, with a but'],
  ['Very happy', 'Nearly perfect', 'Lovely thing', 'Would buy again', 'Good quality'],
  [
    'Love it',
    'Perfect',
    'Exactly what I hoped for',
    'Best thing in the room',
    'Worth every cent',
    'A joy to use',
  ],
];

export const REVIEW_BODIES: readonly (readonly string[])[] = [
  [
    'It arrived with a scratch and the replacement had one too. Customer service was kind about it.',
    'The colour is nothing like the picture. On its way back.',
    'Wobbled from the first day.',
  ],
  [
    'Nice to look at, but you notice where they saved.',
    'Smaller than I thought. Do read the measurements.',
    'It took three evenings to put together and one screw was missing.',
  ],
  [
    'It does the job. I would not cross the street to look at it.',
    'Good quality, but it took five weeks to come.',
    'We are still not sure about the colour. The children like it.',
  ],
  [
    'Well made and well packed. One star off for the delivery window of a whole day.',
    'Looks just as in the picture. A touch lower than our old one, but we have got used to it.',
    'Really pleased. The finish is lovely, and it came assembled.',
    'Sturdy, simple, and my neighbour has ordered the same.',
  ],
  [
    'We have had it for half a year now, with two children and a dog, and it still looks new.',
    'Even nicer than in the picture. The material feels as if it will last for ever.',
    'I bought one, and a week later the second.',
    'It makes the whole room look as if somebody had thought about it.',
    'Beautifully made. You can tell that someone cared about the parts that nobody sees.',
  ],
];

/** Ends that some reviews have. */
export const REVIEW_AFTERTHOUGHTS = [
  'Would recommend.',
  'Delivery was quick, too.',
  'A little dearer than others, but you see why.',
  'It was a present, and it was a success.',
  'Bought in the spring, used every day since.',
] as const;
