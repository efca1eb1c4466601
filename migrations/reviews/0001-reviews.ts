import type { Knex } from 'knex';

// One statement each: the sqlite3 driver runs only the first of several.
const TABLES = [
  `CREATE TABLE product (
     product_id INTEGER PRIMARY KEY,
     slug TEXT NOT NULL,
     name TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE reviewer (
     reviewer_id INTEGER PRIMARY KEY,
     name TEXT NOT NULL
   ) STRICT`,
  // No foreign keys: rows of different tables arrive in any order.
  // Moments are ISO 8601 in UTC with six digits, so that their text sorts by time.
  `CREATE TABLE review (
     review_id INTEGER PRIMARY KEY,
     product INTEGER NOT NULL,
     author INTEGER NOT NULL,
     stars INTEGER NOT NULL,
     headline TEXT NOT NULL,
     text TEXT NOT NULL,
     visibility TEXT NOT NULL,
     helpful INTEGER NOT NULL,
     written_at TEXT NOT NULL,
     changed_at TEXT NOT NULL
   ) STRICT`,
  // Not unique: the shop's own keys see to that, and rows that exchange a value share it for a moment here.
  'CREATE INDEX product_slug ON product (slug)',
  'CREATE INDEX review_newest ON review (product, visibility, written_at DESC, review_id DESC)',
  'CREATE INDEX review_own ON review (author, product)',
];

/** Visible reviews by product and stars, kept by the triggers below: an average costs at most five rows. */
const HISTOGRAM = `CREATE TABLE rating_histogram (
  product INTEGER NOT NULL,
  stars INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (product, stars)
) STRICT, WITHOUT ROWID`;

const COUNT_NEW = `INSERT INTO rating_histogram (product, stars, count)
  SELECT NEW.product, NEW.stars, 1 WHERE NEW.visibility = 'visible'
  ON CONFLICT (product, stars) DO UPDATE SET count = count + 1;`;

const DISCOUNT_OLD = `UPDATE rating_histogram SET count = count - 1
   WHERE product = OLD.product AND stars = OLD.stars AND OLD.visibility = 'visible';
  DELETE FROM rating_histogram WHERE product = OLD.product AND stars = OLD.stars AND count = 0;`;

const TRIGGERS = [
  `CREATE TRIGGER review_counted AFTER INSERT ON review BEGIN ${COUNT_NEW} END`,
  `CREATE TRIGGER review_uncounted AFTER DELETE ON review BEGIN ${DISCOUNT_OLD} END`,
  `CREATE TRIGGER review_recounted AFTER UPDATE OF product, stars, visibility ON review
     BEGIN ${DISCOUNT_OLD} ${COUNT_NEW} END`,
];

/** Reviews with what a list shows of products and authors, and the histogram of stars. */
export async function up(knex: Knex): Promise<void> {
  for (const statement of [...TABLES, HISTOGRAM, ...TRIGGERS]) await knex.raw(statement);
}

/** Triggers and indexes go with their tables. */
export async function down(knex: Knex): Promise<void> {
  for (const table of ['review', 'rating_histogram', 'reviewer', 'product']) {
    await knex.raw(`DROP TABLE ${table}`);
  }
}
