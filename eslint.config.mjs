// The lints of the scripts and tests: ESLint's recommended rules, and those that find leftovers.

import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['build/', 'examples/', 'node_modules/', 'target/', '**/.*/'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: globals.node },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': ['error', { ignoreRestSiblings: true }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
    },
  },
  // These pass functions to a page of the browser.
  {
    files: ['tests/e2e/browser-sessions.test.mjs', 'tests/e2e/pages.test.mjs'],
    languageOptions: { globals: globals.browser },
  },
];
