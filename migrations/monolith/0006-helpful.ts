import type { Knex } from 'knex';

/** Who found which review helpful: each customer counts once. `helpful_count` keeps what was counted before. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE review_helpful (
      review_id bigint NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
      customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
      marked_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (review_id, customer_id)
    );
    CREATE INDEX review_helpful_customer_id_idx ON review_helpful (customer_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE review_helpful');
}
