// L-1: each policy dropped and widened, row-level security off, each trigger dropped and disabled, each
// privilege widened: one at a time, each from the catalog, and every one must be detected: in the rows that users read
// and change, or in the statements that the triggers reject, or else by the check. A mutant that only the check detects
// has a second protection: an owner that no grant lets a client name, a schema that a role may not enter.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { catalogQuery } from '../../dev/db-check.mjs';
import { fresh, rolledBack } from './helpers/harness.mjs';
import { VERBS, cell, described, duties, prepare, probe } from './helpers/access-matrix.mjs';

let server;
before(async () => {
  server = await fresh(17, 'mutants', 24581);
});
after(() => server?.stop());

/** Every mutant: {kind, what, place, role?}. It names no table, policy or trigger. */
async function mutants(client) {
  const list = [];
  const add = async (kind, text) => list.push(...(await client.query(text)).rows.map((row) => ({ kind, ...row })));
  const ours = "c.relnamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)";
  const policies = (
    what,
    where,
  ) => `select format(${what}, p.polname, c.oid::regclass) as what, c.oid::regclass::text as place, p.polroles[1]::regrole::text as role
    from pg_policy p join pg_class c on c.oid = p.polrelid where ${ours} ${where} order by 1`;
  await add('policy dropped', policies("'drop policy %I on %s'", ''));
  await add('USING widened', policies("'alter policy %I on %s using (true)'", 'and p.polqual is not null'));
  await add(
    'WITH CHECK widened',
    policies("'alter policy %I on %s with check (true)'", 'and p.polwithcheck is not null'),
  );
  const tables = (what) =>
    `select format(${what}, c.oid::regclass) as what, c.oid::regclass::text as place from pg_class c where ${ours} and c.relkind in ('r', 'p') order by 1`;
  await add('RLS disabled', tables("'alter table %s disable row level security'"));
  await add('FORCE dropped', tables("'alter table %s no force row level security'"));
  // A partition's copy of its table's trigger cannot be dropped separately.
  const triggers = (
    what,
    where,
  ) => `select format(${what}, t.tgname, c.oid::regclass) as what, c.oid::regclass::text as place
    from pg_trigger t join pg_class c on c.oid = t.tgrelid where ${ours} and not t.tgisinternal ${where} order by 1`;
  await add('trigger dropped', triggers("'drop trigger %I on %s'", 'and t.tgparentid = 0'));
  await add('trigger disabled', triggers("'alter table %2$s disable trigger %1$I'", ''));
  await add('trigger not ALWAYS', triggers("'alter table %2$s enable trigger %1$I'", "and t.tgenabled = 'A'"));
  await add(
    'right widened',
    `select format('grant %s on %s to %I', v.verb, c.oid::regclass, r.rolname) as what, c.oid::regclass::text as place, r.rolname as role, lower(v.verb) as verb
    from pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) v (verb), pg_auth_members m join pg_roles r on r.oid = m.roleid
    where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') and m.member = 'authenticator'::regrole and not has_table_privilege(r.oid, c.oid, v.verb) order by 1`,
  );
  return list;
}

test('A-1, A-2, L-1: every mutant is detected', async () => {
  const began = Date.now();
  const caught = { behaviour: 0, catalog: 0 };
  const kinds = {};
  const missed = [];
  await rolledBack(server.url, async (client) => {
    const { personas, tables } = await prepare(client);
    const known = new Map(tables.map((table) => [table.place, table]));
    const baseline = new Map();
    /** Returns the text of one case, cached from before any mutant. */
    const text = {
      cell: async (table, persona, verb) => (await cell(client, table, persona, verb)).text,
      probe: async (table, duty) => probe(client, table, duty),
    };
    const list = await mutants(client);
    assert.deepEqual((await client.query('select * from hub_private.catalog_findings()')).rows, []);

    for (const mutant of list) {
      if (!known.has(mutant.place))
        known.set(mutant.place, { place: mutant.place, hidden: true, ...(await described(client, mutant.place)) });
      const table = known.get(mutant.place);
      // The persona concerned first, and for a trigger its own duties first; the first difference is enough.
      const concerned = table.hidden
        ? [personas.at(-1)]
        : personas.filter((persona) => !mutant.role || persona.role === mutant.role).reverse();
      const cells = concerned.flatMap((persona) =>
        VERBS.filter((verb) => !mutant.verb || verb === mutant.verb).map((verb) => ['cell', table, persona, verb]),
      );
      const tries = mutant.kind.startsWith('trigger')
        ? [...duties(table).map((duty) => ['probe', table, duty]), ...cells]
        : cells;
      const key = ([what, , privilege, verb]) =>
        [what, mutant.place, privilege.name ?? privilege.join(' '), verb].join(' ');
      for (const one of tries) if (!baseline.has(key(one))) baseline.set(key(one), await text[one[0]](...one.slice(1)));

      await client.query('savepoint whole');
      await client.query(mutant.what);
      let by;
      for (const one of tries) {
        if ((await text[one[0]](...one.slice(1))) !== baseline.get(key(one))) {
          by = 'behaviour';
          break;
        }
      }
      if (!by && (await client.query({ name: 'catalog', text: catalogQuery() })).rowCount > 0) by = 'catalog';
      await client.query('rollback to savepoint whole; release savepoint whole');
      kinds[mutant.kind] ??= { total: 0, behaviour: 0, catalog: 0 };
      kinds[mutant.kind].total += 1;
      if (by) {
        caught[by] += 1;
        kinds[mutant.kind][by] += 1;
      } else missed.push(mutant.what);
    }
    // Every mutant was reverted.
    assert.deepEqual((await client.query('select * from hub_private.catalog_findings()')).rows, []);
  });
  const total = Object.values(kinds).reduce((sum, kind) => sum + kind.total, 0);
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `mutants: ${caught.behaviour + caught.catalog}/${total} caught, ${caught.behaviour} by behaviour, ${caught.catalog} by the check of the catalog alone, in ${seconds} s`,
  );
  for (const [kind, { total: all, behaviour, catalog }] of Object.entries(kinds))
    console.log(`  ${kind.padEnd(20)} ${behaviour + catalog}/${all}, ${behaviour} by behaviour`);
  assert.deepEqual(missed, []);
  assert.equal(caught.behaviour + caught.catalog, total);
  assert.ok(Object.keys(kinds).length === 9 && total > 500, `${total} mutants of ${Object.keys(kinds).length} kinds`);
});
