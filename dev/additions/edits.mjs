// The edits and obstacles that kinds share. An edit's anchor must occur exactly once in its file, or as often as it says.

/** A new file, whose text may be made from others. */
export const created = (file, text) => ({ file, text });

/** Another text in place of the anchor; a function receives the anchor's text. */
export const replaced = (file, anchor, change, times = 1) => ({
  file,
  anchor,
  times,
  change: typeof change === 'function' ? change : () => change,
});

/** Lines below the anchor, which ends at the end of a line. */
export const below = (file, anchor, lines, times = 1) => replaced(file, anchor, (text) => `${text}\n${lines}`, times);

/** A row at the end of a list, whose first line ends with the anchor. */
export const lastRow = (file, list, row) =>
  replaced(file, new RegExp(`^pub const ${list}: .*\\[\\n(?: {4}.*\\n)+\\];$`), (text) =>
    text.replace(/\];$/, () => `${row}\n];`),
  );

/** A copy of the anchor's lines below them, with other names in it. */
export const copied = (file, anchor, names) =>
  replaced(
    file,
    anchor,
    (text) => `${text}\n${Object.entries(names).reduce((copy, [name, other]) => copy.replaceAll(name, other), text)}`,
  );

/** A variant of an enum, the first one. */
export const variant = (file, name, text) => below(file, new RegExp(`^pub enum ${name} \\{$`), text);

/** Another length of an array constant. */
export const longer = (file, constant) =>
  replaced(file, new RegExp(`${constant}: \\[[^;]*; (\\d+)\\]`), (text) => text.replace(/\d+(?=\]$)/, (n) => +n + 1));

/** What `make types` does. */
export const WRITE_TYPES = { cargo: ['run', '--locked', '--quiet', '--example', 'types'] };

/** The compiler's message for a value that a `match` lacks. */
export const notCovered = (pattern) => new RegExp(`pattern \`[^\`]*${pattern}[^\`]*\` not covered`);

/** The golden file of the rights differs; its test writes it when the rest is there. */
export const missingRights = (pattern) => ({ test: 'access::grants_match_golden_file_a_2', pattern });

/** The golden file of the routes differs. */
export const missingRoutes = (pattern) => ({ test: 'access::route_persona_matrix_matches_golden_file', pattern });

/** A file of `types/` differs from what `make types` writes. */
export const staleTypes = {
  test: 'description::generated_types_match_files_for_every_audience_a_2',
  then: [WRITE_TYPES],
};
