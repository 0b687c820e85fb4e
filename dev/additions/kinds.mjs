// The kinds of things that can be added, in the order of the table in docs/architecture.md: the row, and the obstacles
// until the rest is there. An obstacle is a message of the build (`pattern`), of a named test (`test`) or of a test of the
// database (`database`), and `then` is what is added to remove it.

import { CATALOGUE } from './catalogue.mjs';
import { ENTRY } from './entry.mjs';
import { RULES } from './rules.mjs';

export const KINDS = [...CATALOGUE, ...ENTRY, ...RULES];
