// A-1, A-2: the database executes the query that was authorized. Random queries go through the Hub to the real
// PostgREST, and the response is compared with the result of an independent evaluator: it reads the same rows by SQL
// and applies the query in JavaScript, without URLs, aliases or paths. A query may be rejected, where a name could be
// taken for another one; it may never have another meaning.

import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { ACME, fetchAs, sql } from './client.mjs';

const SEED = Number(process.env.MEANING_SEED ?? 20261126);
const QUERIES = Number(process.env.MEANING_QUERIES ?? 400);

/** A generator of numbers that are the same in every run. */
function dice(seed) {
  let state = BigInt(seed);
  const next = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number(state >> 33n) / 2 ** 31;
  };
  const below = (most) => Math.floor(next() * most);
  return {
    below,
    chance: (share) => next() < share,
    one: (list) => list[below(list.length)],
    some: (list, most) => [...list].sort(() => next() - 0.5).slice(0, 1 + below(most)),
  };
}

// The columns that a customer may read of each table, and the relations between the tables.
const TABLES = {
  contact_tickets: {
    columns: [
      'id',
      'owner_id',
      'author_id',
      'kind',
      'subject',
      'status',
      'priority',
      'created_at',
      'version',
      'resolution',
      'merged_into',
    ],
    limit: 100,
    embeds: { ticket_messages: (ticket, message) => message.ticket_id === ticket.id },
  },
  ticket_messages: {
    columns: ['id', 'ticket_id', 'author_id', 'author_kind', 'body', 'created_at', 'version'],
    limit: 100,
    embeds: { contact_tickets: (message, ticket) => message.ticket_id === ticket.id },
    one: true,
  },
  chat_threads: {
    columns: ['id', 'owner_id', 'topic', 'status', 'created_at'],
    limit: 100,
    embeds: { chat_messages: (thread, message) => message.thread_id === thread.id },
  },
  chat_messages: {
    columns: ['id', 'thread_id', 'author_kind', 'body', 'created_at', 'retracted_at'],
    limit: 200,
    embeds: { chat_threads: (message, thread) => message.thread_id === thread.id },
    one: true,
  },
};
const KINDS = {
  id: 'uuid',
  ticket_id: 'uuid',
  thread_id: 'uuid',
  merged_into: 'uuid',
  created_at: 'time',
  retracted_at: 'time',
  version: 'number',
};
const kind = (column) => KINDS[column] ?? 'text';
/** Harmless names, and names that have another meaning already. */
const ALIASES = ['a', 'b', 'latest', 'first', 'x1', 'Total'];
const RESERVED = [
  'status',
  'body',
  'id',
  'kind',
  'created_at',
  'ticket_messages',
  'contact_tickets',
  'chat_messages',
  'leads',
  'and',
  'or',
  'not',
  'select',
  'order',
  'limit',
  'offset',
  'columns',
  'on_conflict',
];

/** The rows that Alice may read, as JSON represents them. */
async function rows() {
  const all = {};
  for (const name of Object.keys(TABLES)) {
    const hidden = name === 'ticket_messages' ? 'and not internal' : '';
    all[name] = (await sql(`select to_jsonb(t) as row from hub.${name} t where owner_id = $1 ${hidden}`, [ACME])).map(
      ({ row }) => row,
    );
  }
  return all;
}

// The query, as a value.

function condition(roll, table, all) {
  // An owner is named by a Clerk id and nothing else (HUB340), which is a separate rule.
  const column = roll.one(TABLES[table].columns.filter((name) => name !== 'owner_id'));
  const type = kind(column);
  const present = all[table].map((row) => row[column]).filter((value) => value !== null);
  const value = () =>
    present.length > 0 && !roll.chance(0.1)
      ? roll.one(present)
      : {
          uuid: '00000000-0000-4000-8000-000000000000',
          time: '2026-01-01T00:00:00+00:00',
          number: 3,
          text: 'eq.x,(y)"z',
        }[type];
  const pattern = () =>
    roll.one([
      '%e%',
      '%The%',
      't%',
      '%_n',
      '%,%',
      'open',
      `%${String(value())
        .slice(0, 4)
        .replaceAll(/[%_*\\]/g, '')}%`,
    ]);
  const operators = {
    uuid: ['eq', 'neq', 'in', 'is', 'gt', 'isdistinct'],
    time: ['eq', 'gt', 'gte', 'lt', 'lte', 'is'],
    number: ['eq', 'neq', 'gt', 'lte', 'in', 'is', 'isdistinct'],
    text: [
      'eq',
      'neq',
      'in',
      'is',
      'like',
      'ilike',
      'isdistinct',
      'like(any)',
      'like(all)',
      'ilike(any)',
      'ilike(all)',
    ],
  }[type];
  const operator = roll.one(operators);
  let operand = value();
  if (operator === 'in') operand = Array.from({ length: 1 + roll.below(4) }, value);
  if (operator === 'is') operand = null;
  if (operator === 'like' || operator === 'ilike') operand = pattern();
  if (operator.includes('(')) operand = Array.from({ length: 1 + roll.below(3) }, pattern);
  return { column, operator, operand, not: roll.chance(0.2) };
}

function tree(roll, table, all, depth = 1) {
  const members = Array.from({ length: 1 + roll.below(3) }, () =>
    depth < 3 && roll.chance(0.25) ? tree(roll, table, all, depth + 1) : condition(roll, table, all),
  );
  return { connective: roll.one(['and', 'or']), not: roll.chance(0.2), members };
}

function query(roll, table, all, depth = 0, risky = roll.chance(0.3)) {
  const { columns, embeds } = TABLES[table];
  const alias = () => (risky && roll.chance(0.5) ? roll.one(RESERVED) : roll.one(ALIASES));
  const made = {
    table,
    columns: [],
    embeds: [],
    conditions: [],
    trees: [],
    order: [],
    limit: undefined,
    offset: undefined,
  };
  for (const column of roll.some(columns, 4))
    made.columns.push({ column, alias: roll.chance(0.2) ? alias() : undefined });
  if (depth > 0 && roll.chance(0.15))
    return { ...made, columns: [], count: true, conditions: roll.chance(0.5) ? [condition(roll, table, all)] : [] };
  if (depth < 2) {
    for (let n = roll.below(3); n > 0; n -= 1) {
      const of = roll.one(Object.keys(embeds));
      const inner = query(roll, of, all, depth + 1, risky);
      made.embeds.push({
        alias: roll.chance(0.6) ? alias() : undefined,
        inner: !inner.count && roll.chance(0.3),
        query: inner,
      });
    }
  }
  for (let n = roll.below(3); n > 0; n -= 1) made.conditions.push(condition(roll, table, all));
  if (roll.chance(0.25)) made.trees.push(tree(roll, table, all));
  // A total order, so that there is one correct response.
  for (const column of roll.chance(0.5)
    ? roll.some(
        columns.filter((column) => ['time', 'number'].includes(kind(column))),
        2,
      )
    : [])
    made.order.push({ column, down: roll.chance(0.5), nulls: roll.one([undefined, 'first', 'last']) });
  made.order.push({ column: 'id', down: roll.chance(0.5) });
  if (roll.chance(0.5)) made.limit = 1 + roll.below(6);
  if (roll.chance(0.25)) made.offset = roll.below(3);
  return made;
}

// The query, as a URL: the client's form.

const quoted = (text) => `"${String(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
function operand({ operator, operand: value }, inTree) {
  if (operator === 'is') return 'null';
  if (operator === 'in') return `(${value.map(quoted).join(',')})`;
  if (operator.includes('(')) {
    const array = `{${value.map(quoted).join(',')}}`;
    return inTree ? quoted(array) : array;
  }
  return inTree ? quoted(value) : String(value);
}
const written = (one, inTree) => `${one.not ? 'not.' : ''}${one.operator}.${operand(one, inTree)}`;
function writtenTree({ connective, not, members }) {
  const inside = members.map((member) =>
    member.connective ? writtenTree(member) : `${member.column}.${written(member, true)}`,
  );
  return `${not ? 'not.' : ''}${connective}(${inside.join(',')})`;
}
function selected({ columns, embeds, count }) {
  if (count) return 'count';
  const named = (alias, name) => (alias ? `${alias}:${name}` : name);
  return [
    ...columns.map(({ alias, column }) => named(alias, column)),
    ...embeds.map(
      ({ alias, inner, query }) => `${named(alias, query.table)}${inner ? '!inner' : ''}(${selected(query)})`,
    ),
  ].join(',');
}
function parameters(one, path = '') {
  const pairs = one.conditions.map((condition) => [`${path}${condition.column}`, written(condition, false)]);
  for (const { not, connective, members } of one.trees)
    pairs.push([
      `${path}${not ? 'not.' : ''}${connective}`,
      `(${members.map((member) => (member.connective ? writtenTree(member) : `${member.column}.${written(member, true)}`)).join(',')})`,
    ]);
  if (!one.count)
    pairs.push([
      `${path}order`,
      one.order
        .map(({ column, down, nulls }) => `${column}.${down ? 'desc' : 'asc'}${nulls ? `.nulls${nulls}` : ''}`)
        .join(','),
    ]);
  if (one.limit !== undefined) pairs.push([`${path}limit`, one.limit]);
  if (one.offset !== undefined) pairs.push([`${path}offset`, one.offset]);
  for (const { alias, query } of one.embeds) pairs.push(...parameters(query, `${path}${alias ?? query.table}.`));
  return pairs;
}
const url = (one) => `${one.table}?${new URLSearchParams([['select', selected(one)], ...parameters(one)])}`;

// The query, applied in three-valued logic, as in SQL; null is unknown.

const comparable = (column, value) => (kind(column) === 'time' ? micros(value) : value);
function micros(text) {
  const [, second, fraction = '', zone] = /^(.{19})(?:\.(\d+))?(.*)$/.exec(text);
  return BigInt(Date.parse(`${second}${zone}`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
function like(value, pattern, flags) {
  const source = pattern
    .replaceAll('*', '%')
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '[^]*')
    .replaceAll('_', '[^]');
  return new RegExp(`^${source}$`, flags).test(value);
}
function holds(row, { column, operator, operand, not }) {
  const found = compare(row[column], column, operator, operand);
  return found === null ? null : found !== not;
}
function compare(value, column, operator, operand) {
  if (operator === 'is') return value === null;
  if (operator === 'isdistinct') return value !== operand;
  if (value === null) return null;
  const of = (other) => comparable(column, other);
  const flags = operator.startsWith('i') ? 'i' : '';
  switch (operator) {
    case 'eq':
      return of(value) === of(operand);
    case 'neq':
      return of(value) !== of(operand);
    case 'gt':
      return of(value) > of(operand);
    case 'gte':
      return of(value) >= of(operand);
    case 'lt':
      return of(value) < of(operand);
    case 'lte':
      return of(value) <= of(operand);
    case 'in':
      return operand.includes(value);
    case 'like':
    case 'ilike':
      return like(value, operand, flags);
    case 'like(any)':
    case 'ilike(any)':
      return operand.some((pattern) => like(value, pattern, flags));
    default:
      return operand.every((pattern) => like(value, pattern, flags));
  }
}
function holdsTree(row, { connective, not, members }) {
  const found = members.map((member) => (member.connective ? holdsTree(row, member) : holds(row, member)));
  const strong = connective === 'or';
  const truth = found.includes(strong) ? strong : found.includes(null) ? null : !strong;
  return truth === null ? null : truth !== not;
}
function ordered({ order }) {
  return (one, other) => {
    for (const { column, down, nulls } of order) {
      const [a, b] = [one[column], other[column]];
      if (a === null || b === null) {
        if (a === b) continue;
        const first = nulls ? nulls === 'first' : down;
        return (a === null) === first ? -1 : 1;
      }
      const [x, y] = [comparable(column, a), comparable(column, b)];
      if (x !== y) return x < y !== Boolean(down) ? -1 : 1;
    }
    return 0;
  };
}
function response(one, all, belongs = () => true, single = false) {
  const fits = all[one.table].filter(
    (row) =>
      belongs(row) &&
      one.conditions.every((condition) => holds(row, condition) === true) &&
      one.trees.every((tree) => holdsTree(row, tree) === true),
  );
  if (one.count) return single ? { count: fits.length } : [{ count: fits.length }];
  const made = [];
  for (const row of fits.sort(ordered(one))) {
    const record = Object.fromEntries(one.columns.map(({ column, alias }) => [alias ?? column, row[column]]));
    let there = true;
    for (const { alias, inner, query } of one.embeds) {
      const related = TABLES[one.table].embeds[query.table];
      const embedded = response(query, all, (other) => related(row, other), TABLES[one.table].one);
      if (inner && (embedded === null || embedded.length === 0)) there = false;
      record[alias ?? query.table] = embedded;
    }
    if (there) made.push(record);
  }
  const from = one.offset ?? 0;
  const page = made.slice(from, from + (one.limit ?? TABLES[one.table].limit));
  return single ? (page[0] ?? null) : page;
}

/** Returns whether a name in the query is another name already, or two are equal: then it may be rejected. */
function ambiguous({ columns, embeds }) {
  const names = [...new Set(columns.map(({ alias, column }) => `${alias ?? ''}:${column}`))].map((one) => {
    const [alias, column] = one.split(':');
    return alias || column;
  });
  names.push(...embeds.map(({ alias, query }) => alias ?? query.table));
  const aliases = [...columns, ...embeds].map(({ alias }) => alias).filter(Boolean);
  const tables = embeds.filter(({ alias }, place) =>
    embeds.some((other, at) => at !== place && (!alias || !other.alias)),
  );
  return (
    new Set(names).size < names.length ||
    aliases.some((alias) => RESERVED.includes(alias)) ||
    tables.length > 0 ||
    embeds.some(({ query }) => ambiguous(query))
  );
}

describe('the database executes the query that was authorized', () => {
  test(`${QUERIES} random queries return the expected rows, or are rejected`, async () => {
    const all = await rows();
    const roll = dice(SEED);
    const found = { accepted: 0, refused: 0, rows: 0 };
    for (let n = 0; n < QUERIES; n += 1) {
      const one = query(roll, roll.one(Object.keys(TABLES)), all);
      const path = url(one);
      const { status, json } = await fetchAs('alice', path);
      const description = `query ${n} of seed ${SEED}: ${decodeURIComponent(path)}`;
      if (status === 200) {
        assert.deepEqual(json, response(one, all), description);
        found.accepted += 1;
        found.rows += json.length;
      } else {
        assert.deepEqual(
          [status, ambiguous(one) ? 'HUB332' : 'a result'],
          [400, json.code],
          `${description} ${JSON.stringify(json)}`,
        );
        found.refused += 1;
      }
    }
    console.log(`    ${found.accepted} accepted with ${found.rows} rows, ${found.refused} refused`);
    assert.ok(
      found.accepted > QUERIES / 3 && found.refused > QUERIES / 20 && found.rows > QUERIES,
      JSON.stringify(found),
    );
  });

  test('rows of a search, by GET and by POST, filtered and ordered and cut', async () => {
    const all = await rows();
    const roll = dice(SEED + 1);
    for (let n = 0; n < 60; n += 1) {
      const words = roll.one(['e', 'the', 'zzz', 'eq.x', 'is.null', 'in.(a)', 'like.e', 'not.eq.e', '100%', 'a"b', '']);
      const has = (text) => text.toLowerCase().includes(words.toLowerCase());
      const hits = all.contact_tickets.filter(
        (ticket) =>
          has(ticket.subject) ||
          all.ticket_messages.some((message) => message.ticket_id === ticket.id && has(message.body)),
      );
      const newest = hits.sort(ordered({ order: [{ column: 'created_at', down: true }] })).slice(0, 50);
      const columns = ['id', 'subject', 'status', 'created_at'];
      const conditions = Array.from({ length: roll.below(3) }, () => condition(roll, 'contact_tickets', all)).filter(
        ({ column }) => columns.includes(column),
      );
      const one = {
        table: 'contact_tickets',
        columns: columns.map((column) => ({ column })),
        embeds: [],
        conditions,
        trees: [],
        order: [{ column: 'created_at', down: roll.chance(0.5) }, { column: 'id' }],
        limit: 1 + roll.below(60),
      };
      const wanted = response(one, { contact_tickets: newest });
      const rest = new URLSearchParams([['select', selected(one)], ...parameters(one)]);
      const got = await fetchAs('alice', `rpc/search_tickets?${new URLSearchParams({ words })}&${rest}`);
      assert.deepEqual([got.status, got.json], [200, wanted], `${words} ${decodeURIComponent(rest)}`);
      const posted = await fetchAs('alice', `rpc/search_tickets?${rest}`, { method: 'POST', body: { words } });
      assert.deepEqual([posted.status, posted.json], [200, wanted], `${words} ${decodeURIComponent(rest)}`);
    }
  });

  test('a change affects and returns the matching rows, and no others', async () => {
    const roll = dice(SEED + 2);
    const found = { touched: 0, left: 0, deleted: 0 };
    const json = async (table, ids) =>
      (await sql(`select to_jsonb(t) as row from hub.${table} t where id = any ($1)`, [ids])).map(({ row }) => row);
    // A version in a change is a lock, not a condition.
    const conditions = (table, all) =>
      Array.from({ length: roll.below(3) }, () => condition(roll, table, all)).filter(
        ({ column }) => !['version', 'id'].includes(column),
      );
    const fitting = (one, rows) =>
      rows.filter(
        (row) =>
          one.conditions.every((condition) => holds(row, condition) === true) &&
          one.trees.every((tree) => holdsTree(row, tree) === true),
      );
    const made = [];
    for (let n = 0; n < 8; n += 1)
      made.push(
        (
          await fetchAs('alice', 'contact_tickets?select=id', {
            method: 'POST',
            headers: { prefer: 'return=representation' },
            body: {
              subject: roll.one(['The menu', 'Invoice', 'open']),
              kind: roll.one(['support', 'billing', 'other']),
            },
          })
        ).json[0].id,
      );
    for (let n = 0; n < 60; n += 1) {
      const ids = roll.some(made, 5);
      const before = await json('contact_tickets', ids);
      const all = { contact_tickets: before };
      const back = roll.chance(0.5);
      const one = {
        table: 'contact_tickets',
        columns: [{ column: 'id' }, { column: 'subject' }],
        embeds: [],
        conditions: conditions('contact_tickets', all),
        trees: !back && roll.chance(0.6) ? [tree(roll, 'contact_tickets', all)] : [],
        count: true,
      };
      const wanted = fitting(one, before)
        .map(({ id }) => id)
        .sort();
      const subject = `${roll.one(['The menu', 'Invoice', 'open'])} ${n}`;
      const rest = new URLSearchParams([['id', `in.(${ids.join(',')})`], ['select', 'id,subject'], ...parameters(one)]);
      const response = await fetchAs('alice', `contact_tickets?${rest}`, {
        method: 'PATCH',
        headers: { prefer: `return=${back ? 'representation' : 'minimal'}` },
        body: { subject },
      });
      const description = `change ${n}: ${decodeURIComponent(rest)} ${response.text}`;
      assert.equal(response.status, back ? 200 : 204, description);
      if (back) assert.deepEqual(response.json.map(({ id }) => id).sort(), wanted, description);
      const touched = (await json('contact_tickets', made))
        .filter((row) => row.subject === subject)
        .map(({ id }) => id)
        .sort();
      assert.deepEqual(touched, wanted, description);
      found.touched += wanted.length;
      found.left += ids.length - wanted.length;
    }
    const thread = (
      await fetchAs('alice', 'chat_threads?select=id', {
        method: 'POST',
        headers: { prefer: 'return=representation' },
        body: { topic: 'Rows to delete' },
      })
    ).json[0].id;
    for (let n = 0; n < 25; n += 1) {
      const bodies = Array.from({ length: 4 }, () => ({
        thread_id: thread,
        body: roll.one(['The menu', 'Invoice', 'open', 'e,(x)"y']),
      }));
      const ids = (
        await fetchAs('alice', 'chat_messages?select=id', {
          method: 'POST',
          headers: { prefer: 'return=representation' },
          body: bodies,
        })
      ).json.map(({ id }) => id);
      const before = await json('chat_messages', ids);
      const all = { chat_messages: before };
      const { columns } = TABLES.chat_messages;
      const one = {
        table: 'chat_messages',
        columns: columns.map((column) => ({ column })),
        embeds: [],
        conditions: conditions('chat_messages', all),
        trees: roll.chance(0.7) ? [tree(roll, 'chat_messages', all)] : [],
        count: true,
      };
      const wanted = fitting(one, before)
        .map(({ id }) => id)
        .sort();
      const rest = new URLSearchParams([
        ['id', `in.(${ids.join(',')})`],
        ['select', columns.join(',')],
        ...parameters(one),
      ]);
      const response = await fetchAs('alice', `chat_messages?${rest}`, {
        method: 'DELETE',
        headers: { prefer: 'return=representation' },
      });
      const description = `removal ${n}: ${decodeURIComponent(rest)} ${response.text}`;
      assert.equal(response.status, 200, description);
      assert.deepEqual(response.json.map(({ id }) => id).sort(), wanted, description);
      assert.deepEqual(
        (await json('chat_messages', ids)).map(({ id }) => id).sort(),
        ids.filter((id) => !wanted.includes(id)).sort(),
        description,
      );
      found.deleted += wanted.length;
    }
    assert.ok(found.touched > 20 && found.left > 20 && found.deleted > 10, JSON.stringify(found));
  });
});
