import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const SAMPLE = 'The sample is named by banyan.config.ts alone; take the name from the declaration.';
/** Code that says the sample's names: in a text as a word of its own, in a name as a part of it. */
const sampleNames = [
  'Literal[value=/\\b(reviews|shop)\\b/i]',
  'TemplateElement[value.raw=/\\b(reviews|shop)\\b/i]',
  'Identifier[name=/^(shop|reviews?)([A-Z_]|$)|(Shop|Reviews?)([A-Z]|$)/]',
].map((selector) => ({ selector, message: SAMPLE }));

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/.banyan*', 'test-results/', 'playwright-report/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-console': 'off',
    },
  },
  {
    // The sample is one declaration among others: what moves out of a monolith does not know which one it is.
    files: ['{bench,cdc,cli,contracts,control,kit,postgres,service,strangler-proxy}/**/*.ts'],
    ignores: [
      '**/*.test.ts',
      '**/testing/**',
      '**/fixtures/**',
      '**/*-test-bed.ts',
      // Drills, measurements and a tour of the sample.
      'bench/**',
      'cli/src/faults/**',
      'cli/src/walkthrough/**',
    ],
    rules: { 'no-restricted-syntax': ['error', ...sampleNames] },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        __dirname: 'readonly',
        module: 'readonly',
        require: 'readonly',
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        URLSearchParams: 'readonly',
        AbortSignal: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        fetch: 'readonly',
        document: 'readonly',
      },
    },
  },
);
