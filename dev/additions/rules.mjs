// What decides and what is named: variables, errors, roles, operators, headers and upstreams.

import { below, copied, longer, missingRights, notCovered, replaced, variant, WRITE_TYPES } from './edits.mjs';

const ACCESS = 'src/domain/access.rs';
const ADDED_ROLE = 'crate::domain::access::StaffRole::Added';

export const RULES = [
  {
    kind: 'a variable',
    row: [
      below(
        'src/logic/config/variables.rs',
        /^pub const VARIABLES: .*\[$/,
        '    var("HUB_ADDED", VariableKind::Plain, WhenMissing::Optional, "added"),',
      ),
    ],
    obstacles: [
      {
        pattern: /\[env.preview.vars\] lacks HUB_ADDED/,
        then: [below('wrangler.toml', /^HUB_BASE_PATH = .*$/, 'HUB_ADDED = ""', 2)],
      },
      {
        test: 'logic::config::tests::parse_reads_exactly_the_listed_variables',
        pattern: /HUB_ADDED/,
        then: [below('src/logic/config.rs', /^ *let jwt_key = .*$/, '        self.optional("HUB_ADDED");')],
      },
      {
        test: 'configuration_document_lists_every_variable',
        pattern: /HUB_ADDED/,
        then: [
          replaced(
            'docs/configuration.md',
            /^\| `HUB_ENV` /,
            '| `HUB_ADDED` | plain | optional | added |\n| `HUB_ENV` ',
          ),
        ],
      },
      {
        test: 'dev_vars_example_lists_every_variable',
        pattern: /HUB_ADDED/,
        then: [below('.dev.vars.example', /^HUB_ENV=.*$/, 'HUB_ADDED=')],
      },
    ],
  },
  {
    kind: 'an error',
    row: [variant('src/logic/error.rs', 'Error', '    /// Added.\n    #[error("added")]\n    Added,')],
    obstacles: [
      {
        pattern: notCovered('Error::Added'),
        then: [
          below(
            'src/logic/error.rs',
            /^ *Self::Busy => ErrorCode::Busy,$/,
            '            Self::Added => ErrorCode::Added,',
          ),
          below('src/logic/error/reason.rs', /^ *Self::BodyInterrupted$/, '            | Self::Added'),
          below('src/logic/http/response.rs', /^ *Error::BodyInterrupted$/, '            | Error::Added'),
          variant('src/logic/error_codes.rs', 'ErrorCode', '    /// `HUB000`\n    Added,'),
        ],
      },
      {
        pattern: notCovered('ErrorCode::Added'),
        then: [
          below(
            'src/logic/error_codes.rs',
            /^ *match self \{$/,
            '            Self::Added => public("HUB000", 400, "Added.", "Added."),',
          ),
        ],
      },
      {
        test: 'errors_document_lists_every_error',
        pattern: /HUB000/,
        then: [replaced('docs/errors.md', /^\| `HUB001` /, '| `HUB000` | 400 | Added. | Added. |\n| `HUB001` ')],
      },
    ],
  },
  {
    kind: 'an error of the query firewall',
    row: [variant('src/logic/query/error.rs', 'QueryErrorKind', '    /// Added.\n    Added,')],
    obstacles: [
      {
        pattern: notCovered('QueryErrorKind::Added'),
        then: [
          below(
            'src/logic/query/error/rows.rs',
            /^ *match self \{$/,
            '            Self::Added => public("HUB300", 400, "Added.", "Added."),',
          ),
        ],
      },
      {
        test: 'errors_document_lists_every_error',
        pattern: /HUB300/,
        then: [replaced('docs/errors.md', /^\| `HUB301` /, '| `HUB300` | 400 | Added. | Added. |\n| `HUB301` ')],
      },
    ],
  },
  {
    kind: 'a staff role',
    row: [variant(ACCESS, 'StaffRole', '    /// Added.\n    Added,')],
    obstacles: [
      {
        pattern: notCovered('StaffRole::Added'),
        then: [
          copied(ACCESS, /^ *Self::Staff\(StaffRole::Sales\) => .*$/, { Sales: 'Added', sales: 'added' }),
          copied(ACCESS, /^ *PrincipalKind::Staff\(StaffRole::Sales\) => 4,$/, { Sales: 'Added', 4: '64' }),
        ],
      },
      {
        pattern: /TABLES has no grant to read for a staff role/,
        then: [
          copied('src/domain/tables/leads.rs', /^ *grant!.*Staff\(Support\).*$/, { Support: ADDED_ROLE }),
          replaced(
            'src/domain/tables/leads.rs',
            /^ *column\("created_at", .*STAFF/,
            (text) => `${text}.and(crate::domain::access::Audiences::of(PrincipalKind::Staff(${ADDED_ROLE})))`,
          ),
        ],
      },
      missingRights(/staff:added/),
      {
        test: 'each_staff_role_has_a_persona_and_types',
        pattern: /"added"/,
        then: [
          replaced(
            'dev/personas.mjs',
            /^ {2}admin: \{$/,
            "  added: { who: 'staff: added', sub: 'user_2hubadded000000099', sid: 'sess_2hubadded000000099', role: 'added' },\n  admin: {",
          ),
          longer('dev/types.rs', 'AUDIENCES'),
          copied('dev/types.rs', /^ *\("admin", PrincipalKind::Staff\(Admin\)\),$/, {
            admin: 'added',
            Admin: 'hub::domain::access::StaffRole::Added',
          }),
          WRITE_TYPES,
        ],
      },
      { database: 'staff_roles_in_functions_match_catalogue', pattern: /only the source has \["added"\]/ },
      { database: 'staff_roles_in_policies_match_catalogue', pattern: /only the source has \["added"\]/ },
    ],
  },
  {
    kind: 'a filter operator',
    row: [
      longer('src/logic/query/filter.rs', 'COMPARISONS'),
      replaced('src/logic/query/filter.rs', /"isdistinct"\];/, '"isdistinct", "added"];'),
    ],
    obstacles: [
      {
        test: 'each_filter_operator_has_an_accepted_vector',
        pattern: /"added"/,
        then: [
          below(
            'tests/vectors/queries.json',
            /^ *"accepted": \[$/,
            '{"name": "added", "persona": "alice", "method": "GET", "path": "contact_tickets?select=id&subject=added.x"},',
          ),
        ],
      },
      {
        test: 'api_document_lists_each_filter_operator',
        pattern: /"added"/,
        then: [replaced('docs/api.md', /^- `eq neq /, '- `added eq neq ')],
      },
    ],
  },
  {
    kind: 'a response header of PostgREST',
    row: [
      longer('src/handlers/proxy.rs', 'FORWARDED_RESPONSE_HEADERS'),
      replaced(
        'src/handlers/proxy.rs',
        /\["content-range", "content-type"/,
        '["added", "content-range", "content-type"',
      ),
    ],
    obstacles: [
      {
        test: 'forwarded_response_headers_are_exposed_to_browsers',
        pattern: /"added"/,
        then: [replaced('src/logic/http/response.rs', /"content-range, etag/, '"added, content-range, etag')],
      },
    ],
  },
  {
    kind: 'a response header of the Hub',
    row: [below('src/logic/http/response.rs', /^ *\("x-content-type-options", .*$/, '    ("added", "added"),')],
    obstacles: [
      {
        pattern: /expected an array with a size of \d+, found one with a size of \d+/,
        then: [longer('src/logic/http/response.rs', 'SECURITY_HEADERS')],
      },
    ],
  },
  {
    kind: 'an upstream',
    row: [
      replaced('src/domain/upstreams.rs', /\[&ALERT_WEBHOOK, /, '[&ADDED, &ALERT_WEBHOOK, '),
      longer('src/domain/upstreams.rs', 'UPSTREAMS'),
      copied('src/domain/upstreams.rs', /^\/\/\/ .*\npub const CLERK_JWKS: (?:.*\n)+?\};$/, {
        CLERK_JWKS_URL: 'ADDED_URL',
        CLERK_JWKS: 'ADDED',
        'Clerk JWKS': 'added',
      }),
    ],
    obstacles: [
      {
        test: 'each_upstream_has_a_variable_that_requires_https_t_1',
        pattern: /ADDED_URL takes http/,
        then: [
          below(
            'src/logic/config/variables.rs',
            /^ *var\("HUB_BASE_PATH", .*$/,
            '    var("ADDED_URL", VariableKind::Secret, WhenMissing::Optional, "added"),',
          ),
          below(
            'src/logic/config.rs',
            /^ *let jwt_key = .*$/,
            '        self.optional("ADDED_URL").and_then(|url| self.or_report("ADDED_URL", endpoint(&url, None), UPSTREAM_URL_RULE));',
          ),
          below('.dev.vars.example', /^HUB_ORIGIN=.*$/, 'ADDED_URL='),
          below('docs/configuration.md', /^\| `HUB_BASE_PATH` .*$/, '| `ADDED_URL` | secret | optional | added |'),
        ],
      },
      {
        test: 'architecture_document_lists_every_upstream',
        pattern: /ADDED_URL/,
        then: [
          replaced(
            'docs/architecture.md',
            /^\| `ALERT_WEBHOOK_URL` /,
            '| `ADDED_URL` | added | 3 s | `accept`, `user-agent` |\n| `ALERT_WEBHOOK_URL` ',
          ),
        ],
      },
    ],
  },
];
