import { fileOf } from './code-text.ts';
import { OPEN_MARK, type PlannedRoute, type ServicePlan } from './service-plan.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const paramLines = ({ params }: PlannedRoute): readonly string[] =>
  params.length === 0
    ? []
    : [
        '    parameters:',
        ...params.map(
          (name) => `      - { name: ${name}, in: path, required: true, schema: { type: string } }`,
        ),
      ];

const pathLines = (route: PlannedRoute): readonly string[] => [
  `  ${route.path.replaceAll(/:(\w+)/g, '{$1}')}:`,
  ...paramLines(route),
  '    get:',
  `      operationId: ${route.finder}`,
  '      responses:',
  "        '200':",
  '          description: What the copy says.',
  '          content:',
  '            application/json:',
  `              schema: { $ref: '#/components/schemas/${route.answer}' }`,
  "        '404': { $ref: '#/components/responses/Problem' }",
  "        '503': { $ref: '#/components/responses/Problem' }",
];

const schemaLines = ({ path, answer }: PlannedRoute): readonly string[] => [
  `    # ${OPEN_MARK}: what GET ${path} answers: a type for each field, and in \`required\` those that are always there.`,
  `    ${answer}:`,
  '      type: object',
  '      additionalProperties: false',
  '      required: []',
  '      properties: {}',
];

const PROBLEM = `    Problem:
      type: object
      additionalProperties: false
      required: [type, title, status, detail, code]
      properties:
        type: { type: string }
        title: { type: string }
        status: { type: integer }
        detail: { type: string }
        code: { type: string }
        fields: { type: object, additionalProperties: { type: string } }`;

/** `contracts/<name>/openapi.yaml`: what the service promises. */
export function renderOpenapi({ title, routes }: ServicePlan): string {
  return fileOf(
    'openapi: 3.1.0',
    'info:',
    `  title: ${quoted(title)}`,
    '  version: 1.0.0',
    '  description: Answered from a copy. The service reads; an unsafe method gets a 409.',
    'paths:',
    ...routes.flatMap(pathLines),
    'components:',
    '  responses:',
    '    Problem:',
    '      description: Nothing is there (404), or the copy must not be shown at the moment (503); RFC 9457.',
    '      content: { application/problem+json: { schema: { $ref: ' + "'#/components/schemas/Problem' } } }",
    '  schemas:',
    ...routes.flatMap(schemaLines),
    PROBLEM,
  );
}
