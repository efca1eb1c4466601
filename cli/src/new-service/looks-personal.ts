/** Words of columns' names whose values are mostly about a person. */
const words =
  'address avatar bio birthday birth born city comment email fax firstname forename gender iban ip lastname latitude ' +
  'longitude mail message mobile nationality note notes passport password phone postcode salary sex signature ssn ' +
  'street surname tel telephone username zip';
const personal = new Set(words.split(' '));

/** A name is a person's where the table is about people, or another word says so. */
const people =
  /(^|_)(account|author|client|contact|customer|employee|guest|member|patient|people|person|subscriber|user|visitor)s?(_|$)/;
const nameOfSomebody = /(^|_)(display|family|first|full|given|last|middle|nick|real|user)_?name$/;

const snakeCase = (name: string): string => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/**
 * Whether a column's values are probably about a person, by the names of column and table alone. A guess for people to
 * correct: it is better to mask too much.
 *
 * @example looksPersonal('public.customers', 'name') // true
 */
export function looksPersonal(table: string, column: string): boolean {
  const name = snakeCase(column);
  if (name.split(/[^a-z0-9]+/).some((word) => personal.has(word)) || nameOfSomebody.test(name)) return true;
  return name === 'name' && people.test(snakeCase(table.slice(table.indexOf('.') + 1)));
}
