import { stringifyExactJson } from '@banyan/contracts';
import { envelopeTypeCases, type EnvelopeTypeCase } from './envelope-type-cases.ts';

const INTRODUCTION = `# What an envelope holds for each type

How the embedded reader tells PostgreSQL's values, in streamed rows, in rows of a table snapshot and in rows that are read
for a verification alike. It is Debezium 3.6 with \`decimal.handling.mode=string\`, \`interval.handling.mode=string\`,
\`hstore.handling.mode=json\` and \`time.precision.mode=adaptive_time_microseconds\`, unless the last column says otherwise.
This page is made from the cases that the tests run (\`cdc/src/reader/envelope-type-cases.ts\`), so what it shows is what
happens. Debezium's side is from its documentation and sources, and from envelopes that it really sent (\`cdc/fixtures\`).

- NULL is \`null\` for every type, also where the column has a default. A default's value comes as any other value.
- A value that an update did not change and that the log left out (TOAST) is read from the old row or from the table; where
  neither has it any more, the field is \`"__debezium_unavailable_value"\`.
- A domain is told as the type that it is over, and an array, of any number of dimensions, as a list of what its elements
  are told as; tested for every type below.
- Other types (extensions', \`regclass\`, \`xid\` ...) keep PostgreSQL's text; Debezium leaves them out.
- Generated columns are left out. Identity columns are columns like others.
- In an old row under the default replica identity, columns beside the key are \`null\`; Debezium puts its schema's
  placeholders there (\`""\`, 0) where the column is NOT NULL.
`;

/** The reference page `docs/reference/envelope-types.md`. */
export function renderEnvelopeTypesPage(): string {
  const sections = Object.entries(envelopeTypeCases).map(([title, cases]) => section(title, cases));
  return [INTRODUCTION, ...sections].join('\n');
}

function section(title: string, cases: readonly EnvelopeTypeCase[]): string {
  const rows = cases.map(({ type, sql, value, differs }) =>
    row([code(type), code(sql), code(stringifyExactJson(value)), differs ?? '']),
  );
  return [
    `## ${title}`,
    '',
    row(['type', 'in SQL', 'in the envelope', 'otherwise in Debezium']),
    row(['---', '---', '---', '---']),
    ...rows,
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
