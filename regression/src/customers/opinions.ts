import type { Random } from './random.ts';

/** What a product is to people: nobody puts a mug together or washes a bookcase. */
export type ProductKind = 'furniture' | 'lighting' | 'textiles' | 'kitchen' | 'baskets';

// As the last words of a product's address tell: `marlow-oak-dining-chair-no-2`.
const KIND_WORDS: Readonly<Record<ProductKind, RegExp>> = {
  kitchen: /-(mug|jug|serving-bowl|chopping-board)\b/,
  textiles: /-(cushion|throw|rug)\b/,
  lighting: /-(pendant-light|table-lamp|floor-lamp)\b/,
  baskets: /-(basket|storage-box)\b/,
  furniture: /-(chair|armchair|stool|bench|table|desk|bookcase|drawers)\b/,
};

/** Null for an address that does not tell. */
export function kindOf(slug: string): ProductKind | null {
  return (Object.keys(KIND_WORDS) as ProductKind[]).find((kind) => KIND_WORDS[kind].test(slug)) ?? null;
}

type Mood = 'bad' | 'fair' | 'good';

interface Words {
  readonly titles: readonly string[];
  /** Fits everything. */
  readonly anything: readonly string[];
  readonly of: Readonly<Record<ProductKind, readonly string[]>>;
  readonly endings: readonly string[];
}

const WORDS: Readonly<Record<Mood, Words>> = {
  bad: {
    titles: ['Went back after a week', 'Expected more', 'Not for us', 'A pity', 'Nicer in the picture'],
    anything: [
      'The colour is not the one in the picture.',
      'I wanted to like it.',
      'For this price I had hoped for better.',
      'The second one they sent was no better than the first.',
      'It looks cheaper than it was.',
    ],
    of: {
      furniture: [
        'One leg is a little short, so it wobbles.',
        'A corner was chipped when we unpacked it.',
        'The finish is rough underneath, where nobody was meant to look.',
      ],
      lighting: [
        'It hums, quietly, but it hums.',
        'The cord is far too short for where we wanted it.',
        'The light is harsh, whatever bulb I try.',
      ],
      textiles: [
        'It sheds on everything.',
        'After the first wash it was a size smaller.',
        'It scratches, even through a shirt.',
      ],
      kitchen: [
        'There was a hairline crack in it after two washes.',
        'Clumsier in the hand than I had thought.',
        'There is a rough patch just where you touch it.',
      ],
      baskets: [
        'It lost its shape as soon as we put something in.',
        'One of the handles came loose.',
        'It still smells after airing it on the balcony.',
      ],
    },
    endings: [
      'The shop took it back without a fuss, I will say that.',
      'I would not buy it again.',
      'Perhaps we were unlucky.',
      'My sister has the same and is happy, so who knows.',
    ],
  },
  fair: {
    titles: ['Does what it should', 'Fine', 'Good, with a but', 'Decent', 'No complaints, no applause'],
    anything: [
      'Nothing special, nothing wrong.',
      'Delivery took a while.',
      'Smaller than I had pictured it. I should have measured.',
      'It took us some time to get used to the colour.',
      'Good quality, though I had expected a little more for the money.',
    ],
    of: {
      furniture: [
        'Putting it together took longer than the leaflet says.',
        'Sturdy enough, and a bit plain.',
        'It marks easily, so mind your glasses.',
      ],
      lighting: [
        'Nice to look at, not much to read by.',
        'The switch sits where you have to feel for it.',
        'It is prettier off than on.',
      ],
      textiles: [
        'Soft, but it creases when you look at it.',
        'Warm enough for autumn, not for January.',
        'It slides about on our floor.',
      ],
      kitchen: [
        'It is a little heavy.',
        'Takes up a lot of room in the cupboard.',
        'Washes well, stains a little.',
      ],
      baskets: ['Holds less than it seems to.', 'A lid would have been nice.', 'It leans when it is full.'],
    },
    endings: [
      'We are keeping it.',
      'It will do for the hall.',
      'Three stars, then.',
      'Ask me again in a year.',
    ],
  },
  good: {
    titles: [
      'Very pleased',
      'Would buy it again',
      'Lovely',
      'Better than I hoped',
      'Just right',
      'So glad we did',
    ],
    anything: [
      'Even nicer than in the picture.',
      'Well made, and well packed.',
      'You can tell that somebody took care.',
      'I looked for one like it for a long time.',
      'Everyone who visits asks where it is from.',
    ],
    of: {
      furniture: [
        'It stands as if it had always been there.',
        'Not a screw in sight, and not a wobble.',
        'Two children and a dog have not managed to scratch it yet.',
      ],
      lighting: [
        'In the evening the whole room is warmer for it.',
        'It gives just the light I wanted beside the bed.',
        'My reading corner is finally a reading corner.',
      ],
      textiles: [
        'The cat has claimed it, which says it all.',
        'So soft, and it came out of the wash like new.',
        'The colour makes the old sofa look new.',
      ],
      kitchen: [
        'Breakfast tastes better, or I imagine it. Either way.',
        'In daily use, and not a mark on it.',
        'It sits well in the hand.',
      ],
      baskets: [
        'The toys finally have somewhere to go.',
        'Light, strong, and good looking enough to leave out.',
        'It holds all our firewood for an evening.',
      ],
    },
    endings: [
      'We have ordered a second one.',
      'Worth every cent.',
      'It was a present, and a great success.',
      'Recommended.',
    ],
  },
};

const moodOf = (rating: number): Mood => (rating <= 2 ? 'bad' : rating === 3 ? 'fair' : 'good');

/**
 * What somebody writes who gives so many stars. Two alike are rare, so that a review can be told by its body: some
 * thousands for each mood and kind.
 */
export function inventOpinion(random: Random, rating: number, slug: string): { title: string; body: string } {
  const { titles, anything, of, endings } = WORDS[moodOf(rating)];
  const kind = kindOf(slug);
  const days = random.between(4, 90);
  const sentences = [
    random.pick([
      `I have had it for ${days} days now.`,
      `We bought it ${days} days ago.`,
      `${days} days in use.`,
    ]),
    random.pick(anything),
    ...(kind === null ? [] : [random.pick(of[kind])]),
    random.pick(endings),
  ];
  return { title: random.pick(titles), body: sentences.join(' ') };
}
