import { stringifyExactJson } from '@banyan/contracts';
import { envelopeTypeCases, type EnvelopeTypeCase } from './envelope-type-cases.ts';

const INTRODUCTION = `# What an envelope holds for each type

How the embedded reader tells PostgreSQL's values, in streamed rows, in rows of a table snapshot and in rows that are read
for a verification alike. It is Debezium 3.6 with \`decimal.handling.mode=string\`, \`interval.handling.mode=string\`,
\`hstore.handling.mode=json\` and \`time.precision.mode=microseconds\`, unless the last column says otherwise.
This page is made from the cases that the tests run (\`cdc/testing/conformance/envelope-type-cases.ts\`), so what it shows is what
happens. Debezium's side is what it really sent: \`cdc/testing/conformance\` compares both on one PostgreSQL.

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
  const rows = cases.map((one) =>
    row([code(one.type), code(one.sql), code(stringifyExactJson(one.value)), inDebezium(one)]),
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

/** What Debezium really had, and why that is another. */
function inDebezium({ differs, debezium, debeziumRead, stopsDebezium }: EnvelopeTypeCase): string {
  if (differs === undefined) return '';
  if (stopsDebezium) return differs;
  const told = debezium === undefined ? 'left out' : code(jsonText(debezium));
  const read = debeziumRead === undefined ? '' : `, in a table snapshot ${code(jsonText(debeziumRead))}`;
  return `${told}${read}: ${differs}`;
}

function jsonText(value: unknown): string {
  return Object.is(value, -0) ? '-0.0' : stringifyExactJson(value);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
