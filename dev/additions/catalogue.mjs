// Tables, columns and functions of the database.

import { below, copied, created, lastRow, missingRights, missingRoutes, replaced, WRITE_TYPES } from './edits.mjs';

export const CATALOGUE = [
  {
    kind: 'a table',
    row: [
      created('src/domain/tables/added.rs', (read) =>
        read('src/domain/tables/leads.rs').replaceAll('LEAD', 'ADDED').replaceAll('"leads"', '"added_table"'),
      ),
      below('src/domain/tables.rs', /^mod audit;$/, 'mod added;'),
      lastRow('src/domain/tables.rs', 'TABLES', '    added::ADDEDS,'),
    ],
    obstacles: [
      missingRights(/added_table/),
      missingRoutes(/\/rest\/v1\/added_table/),
      {
        test: 'description::generated_types_match_files_for_every_audience_a_2',
        says: /added_table/,
        then: [WRITE_TYPES],
      },
      { database: 'tables_match_catalogue', says: /only the source has \["added_table"\]/ },
    ],
  },
  {
    kind: 'a column',
    row: [
      below(
        'src/domain/tables/leads.rs',
        /^ {4}column\("company", .*\n(?: {8}\..*\n)+? {8}\.update_by\(.*\),$/,
        '    column("added", ColumnType::Text).read_by(STAFF),',
      ),
    ],
    obstacles: [
      {
        says: /argument #3 of type `ColumnClass` is missing/,
        then: [replaced('src/domain/tables/leads.rs', /"added", ColumnType::Text/, (text) => `${text}, KEPT`)],
      },
      missingRights(/company added/),
      { database: 'columns_match_catalogue_in_name_order_and_type', says: /added text/ },
      { database: 'column_classes_match_catalogue', says: /leads added kept/ },
    ],
  },
  {
    kind: 'a function',
    row: [
      copied('src/domain/functions/catalogue.rs', /^ {4}Function \{\n {8}name: "who_am_i",\n(?: {8}.*\n)+ {4}\},$/, {
        who_am_i: 'added_function',
      }),
    ],
    obstacles: [
      missingRights(/added_function/),
      missingRoutes(/rpc\/added_function/),
      { database: 'functions_and_callers_match_catalogue', says: /only the source has \["added_function"\]/ },
    ],
  },
];
