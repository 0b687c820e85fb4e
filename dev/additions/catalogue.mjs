// Tables, columns and functions of the database.

import { below, copied, created, lastRow, missingRights, missingRoutes, replaced, staleTypes } from './edits.mjs';

const PERSONAL_DATA = 'logic::views::retained_data::tests::lists_every_column_of_personal_data';
const RETAINED = 'src/logic/views/retained_data.rs';
const LEADS = 'src/domain/tables/leads.rs';

export const CATALOGUE = [
  {
    kind: 'a table',
    row: [
      created('src/domain/tables/added.rs', (read) =>
        read(LEADS).replaceAll('LEAD', 'ADDED').replaceAll('"leads"', '"added_table"'),
      ),
      below('src/domain/tables.rs', /^mod audit;$/, 'mod added;'),
      lastRow('src/domain/tables.rs', 'TABLES', '    added::ADDEDS,'),
    ],
    obstacles: [
      missingRights(/added_table/),
      missingRoutes(/\/rest\/v1\/added_table/),
      { ...staleTypes, pattern: /added_table/ },
      {
        test: PERSONAL_DATA,
        pattern: /lacks the table added_table/,
        then: [replaced(RETAINED, /tables: &\["leads"\]/, 'tables: &["leads", "added_table"]')],
      },
      { database: 'tables_match_catalogue', pattern: /only the source has \["added_table"\]/ },
    ],
  },
  {
    kind: 'a column',
    row: [below(LEADS, /^ *column\("updated_at", .*$/, '    column("added", ColumnType::Text),')],
    obstacles: [
      {
        pattern: /argument #3 of type `ColumnClass` is missing/,
        then: [
          replaced(
            LEADS,
            /^ *column\("added", ColumnType::Text\),$/,
            '    column("added", ColumnType::Text, KEPT).nullable().read_by(STAFF),',
          ),
        ],
      },
      missingRights(/updated_at added/),
      { ...staleTypes, pattern: /added: string/ },
      {
        test: PERSONAL_DATA,
        pattern: /on leads.added/,
        then: [below(RETAINED, /^ {16}"company",$/, '                "added",')],
      },
      { database: 'columns_match_catalogue_in_name_order_and_type', pattern: /added text/ },
      { database: 'column_classes_match_catalogue', pattern: /leads added kept/ },
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
      { ...staleTypes, pattern: /added_function/ },
      missingRoutes(/rpc\/added_function/),
      { database: 'functions_and_callers_match_catalogue', pattern: /only the source has \["added_function"\]/ },
    ],
  },
];
