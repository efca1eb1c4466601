import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');

/** Parts whose codes a user of Banyan can meet. Not the sample shop, the measurements and the built-in customers. */
const PARTS = [
  'cdc/kafka',
  'cdc/src/apply',
  'cdc/src/bus',
  'cdc/src/capture',
  'cdc/src/rows',
  'cdc/src/verify',
  'cli',
  'contracts',
  'control',
  'extracted',
  'kit',
  'postgres',
  'service',
  'strangler-proxy',
];
const TEST_SUPPORT = /\.test\.ts$|\/testing\/|\/fixtures\/|-test-bed\.ts$/;
const CODE = /^[a-z]+(-[a-z]+)*$/;

/** The parts of the tree, as `cdc/apply` or `cli`, with the error codes that each one's source can give. */
export function errorCodes(): Map<string, Set<string>> {
  const files = execFileSync('git', ['ls-files', '--', ...PARTS.map((part) => `${part}/*.ts`)], {
    cwd: root,
    encoding: 'utf8',
  });
  const sources = files
    .split('\n')
    .filter((name) => name !== '' && !TEST_SUPPORT.test(name))
    .map((name) => ({ name, tree: parse(readFileSync(join(root, name), 'utf8')) }));
  const constructors = new Map(sources.flatMap(({ tree }) => constructorsOf(tree)));
  const codes = new Map(PARTS.map((part) => [nameOf(part), new Set<string>()]));
  for (const { name, tree } of sources) {
    const part = PARTS.find((folder) => name.startsWith(`${folder}/`)) ?? '';
    for (const code of codesOf(tree, constructors)) codes.get(nameOf(part))?.add(code);
  }
  return codes;
}

const nameOf = (part: string): string => part.replace('/src', '');

const parse = (source: string): ts.SourceFile =>
  ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest, true);

/** Of a class, which of the constructor's arguments is its code, from 0. */
type Constructors = ReadonlyMap<string, number>;

function constructorsOf(file: ts.SourceFile): [string, number][] {
  return file.statements.filter(ts.isClassDeclaration).flatMap(({ name, members }) => {
    const parameters = members.find(ts.isConstructorDeclaration)?.parameters ?? [];
    const at = parameters.findIndex((parameter) => isNamedCode(parameter.name));
    return name && at >= 0 ? [[name.text, at] as [string, number]] : [];
  });
}

/**
 * The error codes that a file names: in what is called `code` (a property, a parameter, a value given to one), in types
 * called `...Code`, in the type arguments of a class that extends an error, and in the argument that a constructor calls so.
 */
export function codesIn(source: string): Set<string> {
  const file = parse(source);
  return codesOf(file, new Map(constructorsOf(file)));
}

function codesOf(file: ts.SourceFile, constructors: Constructors): Set<string> {
  const codes = new Set<string>();
  const look = (node: ts.Node): void => {
    for (const found of placesOf(node, { file, constructors })) {
      for (const text of textsOf(found)) if (CODE.test(text)) codes.add(text);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return codes;
}

/** Expressions and types in which a text is a code. */
function placesOf(
  node: ts.Node,
  { file, constructors }: { readonly file: ts.SourceFile; readonly constructors: Constructors },
): readonly (ts.Node | undefined)[] {
  if (ts.isPropertyAssignment(node)) {
    return isNamedCode(node.name) && !isZodIssue(node) ? [node.initializer] : [];
  }
  if (ts.isPropertyDeclaration(node) || ts.isParameter(node)) {
    return isNamedCode(node.name) ? [node.type, node.initializer] : [];
  }
  if (ts.isPropertySignature(node)) return isNamedCode(node.name) ? [node.type] : [];
  if (ts.isTypeAliasDeclaration(node) && node.name.text.endsWith('Code')) {
    return [node.type, ...keysOf(node.type, file)];
  }
  if (ts.isHeritageClause(node))
    return node.types.filter(isError).flatMap((type) => type.typeArguments ?? []);
  if (ts.isNewExpression(node)) {
    const at = constructors.get(node.expression.getText());
    return at === undefined ? [] : [node.arguments?.[at]];
  }
  return [];
}

const isNamedCode = (name: ts.Node): boolean => 'text' in name && name.text === 'code';

const isError = ({ expression }: { readonly expression: ts.Expression }): boolean =>
  ts.isIdentifier(expression) && expression.text.endsWith('Error');

/** zod's issues have codes of zod's. */
function isZodIssue({ parent: { parent } }: ts.PropertyAssignment): boolean {
  return ts.isCallExpression(parent) && parent.expression.getText().endsWith('.addIssue');
}

/** Of `keyof typeof table`: the names in that table. */
function keysOf(type: ts.TypeNode, file: ts.SourceFile): readonly ts.Node[] {
  const table = /^keyof typeof (\w+)$/.exec(type.getText())?.[1];
  const declared = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find(({ name }) => name.getText() === table)?.initializer;
  const value = declared && ts.isAsExpression(declared) ? declared.expression : declared;
  if (!value || !ts.isObjectLiteralExpression(value)) return [];
  return value.properties.flatMap(({ name }) => name ?? []);
}

/** The texts that an expression or a type can be; those inside of calls and objects are not what it is. */
function textsOf(node: ts.Node | undefined): string[] {
  if (!node) return [];
  if (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) {
    return ts.isStringLiteralLike(node) || isKey(node) ? [node.text] : [];
  }
  if (ts.isLiteralTypeNode(node)) return textsOf(node.literal);
  if (ts.isUnionTypeNode(node)) return node.types.flatMap(textsOf);
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(textsOf);
  if (ts.isBinaryExpression(node)) return [node.left, node.right].flatMap(textsOf);
  if (ts.isAsExpression(node) || ts.isParenthesizedExpression(node) || ts.isSatisfiesExpression(node)) {
    return textsOf(node.expression);
  }
  return [];
}

const isKey = (node: ts.Identifier): boolean =>
  ts.isPropertyAssignment(node.parent) && node.parent.name === node;
