import { acceptedDifferences } from './accepted-differences.ts';
import { conformanceCases } from './conformance-cases.ts';

const INTRODUCTION = `# Where Debezium's records differ from the embedded reader's

The same SQL through both readers gives the same keys, order, operations, fields, values, positions and transaction times,
but for these. \`npm run test:stack -- cdc/testing/conformance\` runs both on one PostgreSQL and compares record by record, field
by field: a difference that is not listed fails, and one that is listed and no longer occurs fails as well. This page is made
from \`cdc/testing/conformance/accepted-differences.ts\`; types have [a page of their own](envelope-types.md).
`;

/** What no comparison of records shows. */
const NOT_COMPARED = `
## Not compared

- When a record was made (\`ts_ms\`, \`ts_us\`, \`ts_ns\`), and for a row of a table snapshot when it was read: each reader has
  its own clock.
- Heartbeats: Debezium's hold the time of its own clock, the embedded reader's the time at which they were written at the
  source.
- Notifications of table snapshots: Debezium's \`COMPLETED\` has no \`data_collections\`, and its keys are not JSON.
- Ranges of \`timestamptz\`: Debezium's are in the time zone of Connect's process, which Banyan runs in UTC.

## What Debezium 3.6.3 cannot follow

Found by this suite, and left out of it. The embedded reader takes all of them.

- A database with a domain over an enumeration: the connector does not start (\`NullPointerException\` in its type registry).
- A table with a double quote in its name: its task fails (\`Unexpected input\`).
- A table snapshot of a table with white space in its name: as a plain name it is passed over; in quotes it is begun, and the
  task then fails for good, since it reads the name from its own offsets without quotes. Banyan refuses such tables there.
- A table snapshot of a table with a generated column, as long as no column is excluded; Banyan's connector always excludes
  one for that reason.
`;

/** The reference page `docs/reference/envelope-differences.md`. */
export function renderDifferencesPage(): string {
  const rows = acceptedDifferences.map(({ what, debezium, embedded, reason }) =>
    row([what, debezium, embedded, reason]),
  );
  const unread = conformanceCases.flatMap(({ name, notReadByDebezium }) =>
    notReadByDebezium ? [`- No table snapshot in the case "${name}": ${notReadByDebezium.reason}.`] : [],
  );
  return [
    INTRODUCTION,
    row(['what', 'Debezium 3.6', 'embedded', 'why it is accepted']),
    row(['---', '---', '---', '---']),
    ...rows,
    NOT_COMPARED.trimEnd(),
    ...unread,
    '',
    '## What is done on both sides',
    '',
    ...conformanceCases.map(({ name }) => `- ${name}`),
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
