// The peer: the same two operations as a competent team would write them with Hono, Clerk's SDK and supabase-js. It
// verifies the session without a network, filters by owner, and records a staff change by reading before and writing
// after.

import { verifyToken } from '@clerk/backend';
import { createClient } from '@supabase/supabase-js';
import { Hono } from 'hono';

const app = new Hono();

app.use('/rest/*', async (context, next) => {
  const token = context.req.header('authorization')?.replace(/^Bearer /, '');
  if (!token) return context.json({ message: 'unauthorized' }, 401);
  try {
    context.set(
      'claims',
      await verifyToken(token, { jwtKey: context.env.JWT_KEY, authorizedParties: [context.env.PARTY] }),
    );
  } catch {
    return context.json({ message: 'unauthorized' }, 401);
  }
  await next();
});

const database = ({ env, req }) =>
  createClient(env.SUPABASE_URL, env.PUBLISHABLE_KEY, {
    accessToken: async () => env.DATABASE_TOKEN,
    auth: { persistSession: false },
    db: { schema: 'hub' },
    // The database requires an id for the request row of a change.
    global: { headers: { 'x-request-id': req.header('x-request-id') ?? '' } },
  });

app.get('/rest/v1/contact_tickets', async (context) => {
  const { o, sub } = context.get('claims');
  const { data, error } = await database(context)
    .from('contact_tickets')
    .select('id,subject,status')
    .eq('owner_id', o?.id ?? sub)
    .limit(20);
  return error ? context.json(error, 500) : context.json(data);
});

app.patch('/rest/v1/leads', async (context) => {
  const claims = context.get('claims');
  if (!['admin', 'sales'].includes(claims.metadata?.stacklumen_role))
    return context.json({ message: 'forbidden' }, 403);
  const id = context.req.query('id').replace(/^eq\./, '');
  const change = await context.req.json();
  const client = database(context);
  const before = await client.from('bench_leads').select('id,status,notes').eq('id', id).single();
  if (before.error) return context.json(before.error, 404);
  const after = await client.from('bench_leads').update(change).eq('id', id).select('id,status,notes').single();
  if (after.error) return context.json(after.error, 500);
  const recorded = await client
    .from('bench_activities')
    .insert({ actor_id: claims.sub, entity: 'leads', entity_id: id, before: before.data, after: after.data });
  return recorded.error ? context.json(recorded.error, 500) : context.body(null, 204);
});

export default app;
