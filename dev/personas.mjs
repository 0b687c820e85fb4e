// The users of the local stack; the seed (supabase/seed.sql) has the same ids.

const ACME = { id: 'org_2hubacme00000000000000001', slg: 'acme' };
const NORTHWIND = { id: 'org_2hubnorthwind000000000010', slg: 'northwind' };

/** The two organizations; Erin is a member of both. */
export const ORGANIZATIONS = { acme: ACME.id, northwind: NORTHWIND.id };

/** The claims of each persona's token besides the times. */
export const PERSONAS = {
  alice: {
    who: 'a client, administrator of the organization Acme',
    sub: 'user_2hubalice0000000000000001',
    sid: 'sess_2hubalice0000000000000001',
    o: { ...ACME, rol: 'admin', per: 'read,manage', fpm: '3' },
  },
  bob: {
    who: 'a client, member of Acme: sees what Alice sees',
    sub: 'user_2hubbob000000000000000002',
    sid: 'sess_2hubbob000000000000000002',
    o: { ...ACME, rol: 'member', per: 'read,manage', fpm: '1' },
  },
  carol: { who: 'a client on her own', sub: 'user_2hubcarol0000000000000003', sid: 'sess_2hubcarol0000000000000003' },
  dave: {
    who: 'a new client, without any rows',
    sub: 'user_2hubdave00000000000000004',
    sid: 'sess_2hubdave00000000000000004',
  },
  erin: {
    who: 'a client in two organizations, Acme first',
    sub: 'user_2huberin00000000000000012',
    sid: 'sess_2huberin00000000000000012',
    o: { ...ACME, rol: 'member', per: 'read,manage', fpm: '1' },
    others: [{ ...NORTHWIND, rol: 'admin', per: 'read,manage', fpm: '3' }],
  },
  admin: {
    name: 'Ada Admin',
    who: 'staff: admin',
    sub: 'user_2hubadmin0000000000000005',
    sid: 'sess_2hubadmin0000000000000005',
    role: 'admin',
    fva: [1, 1],
  },
  sales: {
    name: 'Sam Sales',
    who: 'staff: sales',
    sub: 'user_2hubsales0000000000000006',
    sid: 'sess_2hubsales0000000000000006',
    role: 'sales',
    fva: [1, 1],
  },
  support: {
    name: 'Sue Support',
    who: 'staff: support',
    sub: 'user_2hubsupport000000000000007',
    sid: 'sess_2hubsupport000000000000007',
    role: 'support',
    fva: [1, 1],
  },
  stale: {
    name: 'Stan Stale',
    who: 'staff: admin, without a fresh second factor',
    sub: 'user_2hubstale0000000000000008',
    sid: 'sess_2hubstale0000000000000008',
    role: 'admin',
    fva: [1, -1],
  },
  nobody: {
    who: 'signed in with an unrecognized role: no access',
    sub: 'user_2hubnobody000000000000009',
    sid: 'sess_2hubnobody000000000000009',
    role: 'intern',
  },
};

// The active organization is the session's; these are the ones that it can be.
for (const persona of Object.values(PERSONAS))
  persona.memberships = [persona.o, ...(persona.others ?? [])].filter(Boolean);

/** Returns the claims of a session token in Clerk's version 2; `now` is Unix time in seconds. */
export function claims(
  persona,
  {
    issuer,
    party,
    now,
    life = 60,
    sid = PERSONAS[persona].sid,
    role = PERSONAS[persona].role,
    name = PERSONAS[persona].name,
    organization: o = PERSONAS[persona].o,
  },
) {
  const { sub, fva = [1, -1] } = PERSONAS[persona];
  return {
    azp: party,
    exp: now + life,
    fva,
    iat: now,
    iss: issuer,
    jti: Math.random().toString(16).slice(2).padEnd(20, '0'),
    nbf: now - 10,
    ...(o ? { o } : {}),
    ...(role ? { metadata: { stacklumen_role: role, ...(name ? { display_name: name } : {}) } } : {}),
    // `"name": "{{user.public_metadata.display_name}}"`, as docs/deployment.md requires: of Clerk's data of a user,
    // public metadata cannot be changed by the user (clerk.com/docs/guides/users/extending); a full name can. Clerk
    // sends null if there is none.
    name: name ?? null,
    pla: o ? 'o:studio' : 'u:free',
    fea: o ? 'o:tickets' : 'u:tickets',
    sid,
    sts: 'active',
    sub,
    v: 2,
  };
}
