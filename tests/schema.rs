//! Compares the live catalog with TABLES and FUNCTIONS in both directions: a missing item on either side fails by name
//! (A-1, A-3, L-1).
//!
//! `make test STAGE=database` starts a database, applies the migrations and sets `HUB_TEST_DATABASE_URL`.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

use hub::{
    domain::{
        access::PrincipalKind,
        functions::{FUNCTIONS, Returned},
        lifetimes,
        tables::{ColumnType, Grant, TABLES, Table},
    },
    entry::jobs::JOBS,
};
use postgres::{Client, NoTls};
use std::collections::{BTreeMap, BTreeSet};

const ROLES: [&str; 4] = ["hub_customer", "hub_staff", "hub_system", "hub_visitor"];

fn database() -> Client {
    let url = std::env::var("HUB_TEST_DATABASE_URL").expect("HUB_TEST_DATABASE_URL: run `make test STAGE=database`");
    Client::connect(&url, NoTls).expect("the test database answers")
}

/// Returns the first column of a query, in its order.
fn texts(query: &str, parameter: &str) -> Vec<String> {
    let rows = database().query(query, &[&parameter]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn set(query: &str, parameter: &str) -> BTreeSet<String> {
    texts(query, parameter).into_iter().collect()
}

/// Compares both sides; the message names the items of only one side.
#[track_caller]
fn same(what: &str, catalog: &BTreeSet<String>, wanted: &BTreeSet<String>) {
    let extra: Vec<_> = catalog.difference(wanted).collect();
    let lacking: Vec<_> = wanted.difference(catalog).collect();
    assert!(
        extra.is_empty() && lacking.is_empty(),
        "{what}: only the database has {extra:?}, only the source has {lacking:?}"
    );
}

fn of_role<'a>(table: &'a Table, role: &str) -> Vec<&'a Grant> {
    table.grants.iter().filter(|grant| grant.principal.database_role() == role).collect()
}

#[test]
fn tables_match_catalogue() {
    let catalog = set(
        "select relname::text from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition",
        "hub",
    );
    same("tables", &catalog, &TABLES.iter().map(|table| table.name.to_owned()).collect());
}

#[test]
fn columns_match_catalogue_in_name_order_and_type() {
    for table in TABLES {
        let catalog = texts(
            "select attname || ' ' || format_type(atttypid, null) from pg_attribute \
             where attrelid = ('hub.' || $1)::regclass and attnum > 0 and not attisdropped order by attnum",
            table.name,
        );
        let wanted: Vec<String> =
            table.columns.iter().map(|column| format!("{} {}", column.name, sql_type(column.kind))).collect();
        let catalog: Vec<String> = catalog.into_iter().map(|column| column.replace(" integer", " bigint")).collect();
        assert_eq!(catalog, wanted, "{}", table.name);
    }
}

/// Columns that a new row may omit, columns that may be null, and values that a CHECK lists are those of the types and
/// the API description.
#[test]
fn nulls_defaults_and_listed_values_match_catalogue() {
    for table in TABLES {
        let catalog = texts(
            r"select a.attname || case when a.attnotnull then '' else ' nullable' end
              || case when a.atthasdef or a.attidentity <> '' then ' defaulted' else '' end || coalesce((
                select ' ' || (select string_agg(value[1], '|') from regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''::text', 'g') value)
                from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'c' and k.conkey = array[a.attnum]
                and pg_get_constraintdef(k.oid) ~ ('^CHECK \(\(' || a.attname || ' = ANY \(ARRAY\[[^()]*\]\)\)\)$')), '')
              from pg_attribute a where a.attrelid = ('hub.' || $1)::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
            table.name,
        );
        let wanted: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let nullable = if column.nullable { " nullable" } else { "" };
                let defaulted = if column.defaulted { " defaulted" } else { "" };
                let listed =
                    if column.values.is_empty() { String::new() } else { format!(" {}", column.values.join("|")) };
                format!("{}{nullable}{defaulted}{listed}", column.name)
            })
            .collect();
        assert_eq!(catalog, wanted, "{}", table.name);
    }
}

/// A-2, L-1, R-3: an erasure, the audit log's redaction and the owners of recorded reads follow these rows.
#[test]
fn column_classes_match_catalogue() {
    let catalog = set(
        "select concat_ws(' ', table_name, column_name, erasure, case when sensitive then 'sensitive' end, case when free_text then 'free_text' end, \
         case when customer_only then 'customer_only' end, part, parent_table) from hub_private.column_classes where $1 <> ''",
        "every table",
    );
    let mut wanted = BTreeSet::new();
    for table in TABLES {
        for column in table.columns {
            let class = column.class;
            let parent =
                table.parent.filter(|(name, _)| *name == column.name).map(|(_, parent)| format!("parent {parent}"));
            let tokens = [
                Some(format!("{} {} {}", table.name, column.name, class.erasure.name())),
                class.sensitive.then(|| "sensitive".to_owned()),
                class.free_text.then(|| "free_text".to_owned()),
                class.customer_only.then(|| "customer_only".to_owned()),
                (table.key == column.name).then(|| "key".to_owned()),
                (table.owner == Some(column.name)).then(|| "owner".to_owned()),
                parent,
            ];
            wanted.insert(tokens.into_iter().flatten().collect::<Vec<_>>().join(" "));
        }
    }
    same("classes of columns", &catalog, &wanted);
    let findings =
        set("select object || ' ' || finding from hub_private.column_findings() where $1 <> ''", "every table");
    same("findings about columns", &findings, &BTreeSet::new());
}

/// The foreign key of each conversation, by the name that the types give it.
#[test]
fn parents_match_named_foreign_keys() {
    for table in TABLES {
        let Some((column, parent)) = table.parent else { continue };
        let catalog = set(
            "select conname || ' ' || a.attname || ' ' || confrelid::regclass from pg_constraint k \
             join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1] \
             where k.contype = 'f' and k.conrelid = ('hub.' || $1)::regclass and k.confrelid <> k.conrelid",
            table.name,
        );
        let to = column.trim_end_matches("_id");
        same(table.name, &catalog, &BTreeSet::from([format!("{}_{to} {column} hub.{parent}", table.name)]));
    }
}

fn sql_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Boolean => "boolean",
        ColumnType::Bytes => "bytea",
        ColumnType::Integer => "bigint",
        ColumnType::Json => "jsonb",
        ColumnType::Text => "text",
        ColumnType::Texts => "text[]",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::Uuid => "uuid",
    }
}

#[test]
fn column_grants_match_catalogue() {
    for table in TABLES {
        for role in ROLES {
            for (privilege, columns) in [
                ("SELECT", of_role(table, role).iter().flat_map(|grant| grant.read).collect::<BTreeSet<_>>()),
                ("INSERT", of_role(table, role).iter().flat_map(|grant| grant.insert).collect()),
                ("UPDATE", of_role(table, role).iter().flat_map(|grant| grant.update).collect()),
            ] {
                let catalog = set(
                    &format!(
                        "select attname::text from pg_attribute where attrelid = ('hub.' || $1)::regclass and attnum > 0 \
                         and not attisdropped and has_column_privilege('{role}', attrelid, attnum, '{privilege}')"
                    ),
                    table.name,
                );
                let wanted = columns.into_iter().map(|column| (*column).to_owned()).collect();
                same(&format!("{privilege} on {} for {role}", table.name), &catalog, &wanted);
            }
        }
    }
}

#[test]
fn delete_grants_match_catalogue_and_truncate_is_not_granted() {
    for table in TABLES {
        for role in ROLES {
            for (privilege, wanted) in [
                ("DELETE", of_role(table, role).iter().any(|grant| grant.delete)),
                ("TRUNCATE", false),
                ("REFERENCES", false),
                ("TRIGGER", false),
            ] {
                let granted = texts(
                    &format!("select has_table_privilege('{role}', ('hub.' || $1)::regclass, '{privilege}')::text"),
                    table.name,
                );
                assert_eq!(granted, [wanted.to_string()], "{privilege} on {} for {role}", table.name);
            }
        }
    }
}

/// A-3: Supabase's own roles, which its sign-up and its dashboard assign, have no rights here.
#[test]
fn supabase_roles_have_no_privileges() {
    for role in ["anon", "authenticated", "service_role", "hub_nobody", "public"] {
        let held = set(
            "select n.nspname || '.' || c.relname || ' ' || a.privilege_type from pg_class c join pg_namespace n on n.oid = c.relnamespace, \
             aclexplode(c.relacl) a where n.nspname in ('hub', 'hub_private') \
             and a.grantee = case $1 when 'public' then 0 else to_regrole($1)::oid end",
            role,
        );
        same(&format!("what {role} holds"), &held, &BTreeSet::new());
    }
}

/// A-1: row-level security is enabled, also for the owner of the table.
#[test]
fn row_level_security_is_enabled_and_forced() {
    let open = set(
        "select relname::text from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'p') \
         and not (relrowsecurity and relforcerowsecurity)",
        "hub",
    );
    same("tables without forced row-level security", &open, &BTreeSet::new());
}

/// A-1, A-2: each granted operation has a policy for its role, and each policy has a grant.
#[test]
fn policies_match_catalogue() {
    for table in TABLES {
        let mut wanted = BTreeSet::new();
        for grant in table.grants {
            let role = grant.principal.database_role();
            let reads = !grant.read.is_empty();
            for (operation, granted) in
                [("r", reads), ("a", !grant.insert.is_empty()), ("w", !grant.update.is_empty()), ("d", grant.delete)]
            {
                if granted {
                    wanted.insert(format!("{role} {operation}"));
                }
            }
        }
        let catalog = set(
            "select r.rolname || ' ' || operation from pg_policy p, unnest(p.polroles) as role join pg_roles r on r.oid = role, \
             unnest(case p.polcmd when '*' then array['r', 'a', 'w', 'd'] else array[p.polcmd::text] end) as operation \
             where p.polrelid = ('hub.' || $1)::regclass and r.rolname like 'hub\\_%'",
            table.name,
        );
        same(&format!("policies on {}", table.name), &catalog, &wanted);
    }
}

/// A-2: a policy for staff names the roles to which TABLES grants its operation.
#[test]
fn staff_roles_in_policies_match_catalogue() {
    for table in TABLES {
        for (operation, is_granted) in [
            ("r", (|grant| !grant.read.is_empty()) as fn(&Grant) -> bool),
            ("a", |grant| !grant.insert.is_empty()),
            ("w", |grant| !grant.update.is_empty()),
            ("d", |grant| grant.delete),
        ] {
            let conditions = texts(
                &format!(
                    "select condition from pg_policy p, unnest(array[pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)]) condition \
                     where polrelid = ('hub.' || $1)::regclass and polcmd in ('{operation}', '*') and condition is not null \
                     and to_regrole('hub_staff')::oid = any (polroles)"
                ),
                table.name,
            );
            let granted = of_role(table, "hub_staff").into_iter().filter(|grant| is_granted(grant));
            let granted: BTreeSet<String> = granted.filter_map(|grant| staff_role(grant.principal)).collect();
            for condition in conditions {
                same(&format!("roles of {operation} on {}", table.name), &named_roles(&condition), &granted);
            }
        }
    }
}

fn staff_role(principal: PrincipalKind) -> Option<String> {
    principal.name().strip_prefix("staff:").map(str::to_owned)
}

/// Returns the roles of `staff_role() = 'admin'` or `staff_role() in ('admin', 'sales')`, as PostgreSQL prints them.
fn named_roles(condition: &str) -> BTreeSet<String> {
    let compared = condition.split("staff_role() AS staff_role) = ").skip(1);
    let lists = compared.filter_map(|rest| rest.split([')', ']']).next());
    lists.flat_map(|list| list.split('\'').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// A-2: `before_request()` accepts the roles that TABLES has grants for, and an erasure replaces none of their names.
#[test]
fn staff_roles_in_functions_match_catalogue() {
    let granted = TABLES.iter().flat_map(|table| table.grants).filter_map(|grant| staff_role(grant.principal));
    let granted: BTreeSet<String> = granted.collect();
    let listed = |function: &str, before: &str, after: char| -> BTreeSet<String> {
        let source = texts(
            "select prosrc from pg_proc where pronamespace = 'hub_private'::regnamespace and proname = $1",
            function,
        );
        let source = source.concat();
        let (_, list) = source.split_once(before).expect("the function has a list of roles");
        list.split(after).next().unwrap().split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    };
    same("roles of before_request()", &listed("before_request", "staff_role not in (", ')'), &granted);
    let is_stored = listed("begin_erasure", "unnest(array[", ']');
    assert!(granted.is_subset(&is_stored), "begin_erasure() keeps {is_stored:?}, not all of {granted:?}");
}

/// L-1: an audited table has its row trigger and its TRUNCATE trigger, both enabled always.
#[test]
fn audit_triggers_match_catalogue() {
    let triggers = "select t.tgrelid::regclass::text || ' ' || case when t.tgtype & 32 > 0 then 'truncate' else 'row' end from pg_trigger t \
         join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid where not t.tgisinternal and t.tgenabled = 'A' \
         and c.relnamespace = 'hub'::regnamespace and not c.relispartition and p.pronamespace = 'hub_private'::regnamespace and p.proname = $1";
    let audited = |kind: &str| {
        TABLES.iter().filter(|table| table.audited).map(|table| format!("hub.{} {kind}", table.name)).collect()
    };
    same("row triggers", &set(triggers, "record_activity"), &audited("row"));
    let limited = |kind: &str| {
        let changes = |grant: &Grant| grant.delete || !grant.update.is_empty();
        let has_users = |grant: &&Grant| grant.principal != PrincipalKind::System;
        let wanted = TABLES.iter().filter(|table| table.grants.iter().filter(has_users).any(changes));
        wanted.map(|table| format!("hub.{} {kind}", table.name)).collect::<BTreeSet<_>>()
    };
    let limits = "select t.tgrelid::regclass::text || ' ' || case when t.tgtype & 8 > 0 then 'delete' else 'update' end from pg_trigger t \
         join pg_proc p on p.oid = t.tgfoid where not t.tgisinternal and t.tgenabled in ('A', 'O') and t.tgoldtable = 'changed' and p.proname = $1";
    let both = limited("update").union(&limited("delete")).cloned().collect();
    same("triggers that limit a change", &set(limits, "limit_change"), &both);
    let all: BTreeSet<String> = TABLES.iter().map(|table| format!("hub.{} truncate", table.name)).collect();
    same("TRUNCATE triggers", &set(triggers, "refuse_truncate"), &all);
}

/// L-1: partitions inherit neither grants nor open access.
#[test]
fn partitions_grant_no_access() {
    let open = set(
        "select c.relname::text from pg_class c where c.relispartition and c.relnamespace = 'hub_private'::regnamespace \
         and exists (select from unnest(string_to_array($1, ' ')) role where has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE'))",
        &ROLES.join(" "),
    );
    same("partitions that can be reached", &open, &BTreeSet::new());
}

#[test]
fn functions_and_callers_match_catalogue() {
    let wanted: BTreeMap<&str, BTreeSet<&str>> = FUNCTIONS
        .iter()
        .map(|function| {
            (function.name, function.callers.iter().map(|who: &PrincipalKind| who.database_role()).collect())
        })
        .collect();
    let catalog = set("select proname::text from pg_proc where pronamespace = $1::text::regnamespace", "hub");
    same("functions", &catalog, &wanted.keys().map(|name| (*name).to_owned()).collect());
    for (name, callers) in wanted {
        let held = set(
            "select role from unnest(array['hub_customer', 'hub_staff', 'hub_system', 'hub_visitor', 'hub_nobody', 'anon', 'authenticated']) as role \
             where has_function_privilege(role, (select oid from pg_proc where pronamespace = 'hub'::regnamespace and proname = $1), 'EXECUTE')",
            name,
        );
        same(&format!("callers of {name}"), &held, &callers.into_iter().map(str::to_owned).collect());
    }
}

#[test]
fn function_arguments_and_kinds_match_catalogue() {
    for function in FUNCTIONS {
        let catalog = texts(
            "select name || ' ' || format_type(kind, null) || case when place > pronargs - pronargdefaults then ' optional' else '' end \
             from pg_proc, unnest(proargnames[1:pronargs], proargtypes::oid[]) with ordinality as a (name, kind, place) \
             where pronamespace = 'hub'::regnamespace and proname = $1 order by place",
            function.name,
        );
        let catalog: Vec<String> = catalog.into_iter().map(|line| line.replace(" integer", " bigint")).collect();
        let wanted: Vec<String> = function
            .arguments
            .iter()
            .map(|argument| {
                format!(
                    "{} {}{}",
                    argument.name,
                    sql_type(argument.kind),
                    if argument.required { "" } else { " optional" }
                )
            })
            .collect();
        assert_eq!(catalog, wanted, "{}", function.name);
        let returned = texts(
            "select case when proretset then 'setof ' else '' end || format_type(prorettype, null) from pg_proc \
             where pronamespace = 'hub'::regnamespace and proname = $1",
            function.name,
        );
        let wanted = match function.returns {
            Returned::Row(table) => format!("hub.{table}"),
            Returned::Rows(table) => format!("setof hub.{table}"),
            Returned::Value(kind) => sql_type(kind).to_owned(),
        };
        assert_eq!(returned.concat().replace("integer", "bigint"), wanted, "{} returns", function.name);
        let volatile = texts(
            "select provolatile::text from pg_proc where pronamespace = 'hub'::regnamespace and proname = $1",
            function.name,
        );
        assert_eq!(volatile == ["v"], function.writes, "{} writes", function.name);
    }
}

/// Every foreign key has an index that begins with its columns, and every object has a comment.
#[test]
fn foreign_keys_are_indexed_and_objects_have_comments() {
    let bare = set(
        "select conname::text from pg_constraint k where contype = 'f' and connamespace = $1::text::regnamespace and not exists (\
         select from pg_index i where i.indrelid = k.conrelid \
         and (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(k.conkey)] @> k.conkey)",
        "hub",
    );
    same("foreign keys without an index", &bare, &BTreeSet::new());
    let silent = set(
        "select c.relname || coalesce('.' || a.attname, '') from pg_class c left join lateral (select attname, attnum from pg_attribute \
         where attrelid = c.oid and attnum > 0 and not attisdropped union all select null, 0) a on true \
         where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and case a.attnum \
         when 0 then obj_description(c.oid, 'pg_class') else col_description(c.oid, a.attnum) end is null",
        "hub",
    );
    same("tables and columns without a comment", &silent, &BTreeSet::new());
}

/// I-2, L-2, R-3: the times on which SQL and the Hub depend are the same. Revocations are made and measured; the rest is
/// read from the functions and settings.
#[test]
fn lifetimes_match_catalogue() {
    let mut client = database();
    let mut transaction = client.transaction().unwrap();
    transaction
        .batch_execute(
            "select set_config('hub.actor_id', 'user_2lifetimes0000000000001', true), set_config('hub.actor_kind', 'staff', true), \
               set_config('hub.staff_role', 'admin', true); \
             select hub.revoke_sessions('user_2lifetimes0000000000002', 'a test'); \
             select hub.end_session('sess_2lifetimes0000000000003'); \
             select hub.burn_token('sess_2lifetimes0000000000004', now()); \
             select hub.sessions_ended('user_2lifetimes0000000000002');",
        )
        .unwrap();
    let rows = transaction
        .query(
            r"select cause || ' ' || extract(epoch from expires_at - now())::integer || coalesce(' skew ' ||
                case cause when 'staff' then extract(epoch from issued_until - now())::integer end, '')
              from hub.revoked_sessions where subject like '%\_2lifetimes%'",
            &[],
        )
        .unwrap();
    let found = rows.iter().map(|row| row.get(0)).collect();
    transaction.rollback().unwrap();
    let (revocation, skew) = (lifetimes::REVOCATION_S, lifetimes::CLOCK_SKEW_S);
    let wanted =
        [format!("ended {revocation}"), format!("leaked {revocation}"), format!("staff {revocation} skew {skew}")];
    same("revocations", &found, &BTreeSet::from(wanted));

    let request_log = format!("{} months", lifetimes::REQUEST_LOG_MONTHS);
    let wanted = [
        format!("request_log {request_log}"),
        format!("request_log_rejected {request_log}"),
        format!("revoked_sessions {} days", lifetimes::EXPIRED_REVOCATION_DAYS),
        format!("webhook_messages {} days", lifetimes::WEBHOOK_MESSAGE_DAYS),
    ];
    let removed = stated("forget_old", "_forgotten', '([a-z_]+)', '[a-z_]+', interval '([^']+)'");
    same("rows that are removed", &removed, &BTreeSet::from(wanted));
    same("request rows", &stated("refuse_request_change", r"interval '(\d+ months)'"), &BTreeSet::from([request_log]));
    let months = BTreeSet::from([format!("{} months", lifetimes::AUDIT_LOG_MONTHS)]);
    same("months that are over", &stated("months_over", r"interval '(\d+ months)'"), &months);
    // This one is stored parsed, so PostgreSQL writes its interval in years.
    let years = BTreeSet::from([format!("{} years", lifetimes::AUDIT_LOG_MONTHS / 12)]);
    same("months to keep", &stated("months_to_keep", r"'([^']+)'::interval"), &years);
    let delay = BTreeSet::from([format!("{} minutes", lifetimes::ERASURE_DELAY_S / 60)]);
    same("delay of an erasure", &stated("erase_person", r"revoked_at > now\(\) - interval '([^']+)'"), &delay);
    let step = BTreeSet::from([format!("00:00:{}", lifetimes::JOB_STEP_MS / 1000)]);
    for function in ["forget_old", "run_checks"] {
        same(function, &stated(function, r"budget interval DEFAULT '([^']+)'"), &step);
    }
    let alerts = [
        format!("{} hours", lifetimes::CHECKS_STALE_HOURS),
        format!("{} minutes", lifetimes::ALERT_MINUTES),
        format!("< {}", lifetimes::ALERT_MINUTES),
    ];
    let found = stated("find_alerts", r"(?:interval '|minute from at\) )(< \d+|\d+ [a-z]+)");
    same("alerts", &found, &BTreeSet::from(alerts));
    let unfinished = BTreeSet::from([format!("{} hours", lifetimes::CHECKS_UNFINISHED_HOURS)]);
    same("unfinished checks", &stated("run_checks", r"started_at < now\(\) - interval '([^']+)'"), &unfinished);
    let timeouts = set(
        r"select p.proname || ' ' || substr(line, length('statement_timeout=') + 1) from pg_proc p, unnest(p.proconfig) as line
          where p.pronamespace = $1::text::regnamespace and line like 'statement\_timeout=%' and p.proname <> 'erase_person'
          union all
          select 'roles ' || substr(line, length('statement_timeout=') + 1) from pg_db_role_setting s, unnest(s.setconfig) as line
          where s.setrole in ('hub_customer'::regrole, 'hub_staff'::regrole, 'hub_system'::regrole, 'hub_visitor'::regrole)
            and line like 'statement\_timeout=%'",
        "hub",
    );
    let seconds = |name: &str, ms: u32| format!("{name} {}s", ms / 1000);
    let wanted = [
        seconds("erase_user", lifetimes::ERASURE_STATEMENT_MS),
        seconds("keep_house", lifetimes::JOB_STATEMENT_MS),
        seconds("roles", lifetimes::STATEMENT_MS),
        seconds("run_checks", lifetimes::JOB_STATEMENT_MS),
    ];
    same("timeouts of statements", &timeouts, &BTreeSet::from(wanted));
}

/// The hours and minutes of the crons are those that the times of the database are chosen for.
#[test]
fn lifetimes_match_schedules() {
    for job in JOBS {
        let mut fields = job.cron.split(' ');
        let (minutes, hours) = (fields.next().unwrap(), fields.next().unwrap());
        match hours.split_once('-') {
            Some((first, last)) => {
                let night = 60 * (last.parse::<u32>().unwrap() - first.parse::<u32>().unwrap());
                assert_eq!(night, lifetimes::NIGHT_MINUTES, "{}", job.name);
            }
            None => assert_eq!((minutes, hours), (&*format!("*/{}", lifetimes::ALERT_MINUTES), "*"), "{}", job.name),
        }
    }
}

/// Returns what a pattern captures in the definition of a function of `hub_private`.
fn stated(function: &str, pattern: &str) -> BTreeSet<String> {
    let query = format!(
        "select array_to_string(m.found, ' ') from pg_proc p, regexp_matches(pg_get_functiondef(p.oid), $1, 'g') as m (found) \
         where p.pronamespace = 'hub_private'::regnamespace and p.proname = '{function}'"
    );
    set(&query, pattern)
}
