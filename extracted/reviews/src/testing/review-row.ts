/** A row of `review` as the consumer would write it; whatever matters to a test is given. */
export function reviewRow(given: Readonly<Record<string, string | number>> & { readonly review_id: number }) {
  return {
    product: 1,
    author: 1,
    stars: 4,
    headline: `Headline ${given.review_id}`,
    text: 'Well made.',
    visibility: 'visible',
    helpful: 0,
    written_at: '2026-01-02T03:04:05.678901Z',
    changed_at: '2026-01-02T03:04:05.678901Z',
    ...given,
  };
}
