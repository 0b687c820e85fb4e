// The types of types/*.ts in supabase-js: a permitted operation compiles, any other is an error. Compiled, never run.

import { createClient } from '@supabase/supabase-js';
import type { Database as Admin } from '../../types/admin.ts';
import type { Database as Customer } from '../../types/customer.ts';
import type { Database as Sales } from '../../types/sales.ts';
import type { Database as Support } from '../../types/support.ts';

/** Compiles when both types are the same. */
const same = <A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false) => {};

const customer = createClient<Customer>('https://hub.example', 'sb_publishable_x');
const admin = createClient<Admin>('https://hub.example', 'sb_publishable_x');
const sales = createClient<Sales>('https://hub.example', 'sb_publishable_x');
const support = createClient<Support>('https://hub.example', 'sb_publishable_x');

export async function aClient() {
  const { data: tickets } = await customer.from('contact_tickets').select('id, status, resolution, version').eq('status', 'open');
  for (const ticket of tickets ?? []) {
    same<typeof ticket.status, 'open' | 'pending' | 'solved' | 'closed'>(true);
    same<typeof ticket.resolution, string | null>(true);
    same<typeof ticket.version, number>(true);
  }
  const { data: conversations } = await customer.from('contact_tickets').select('id, ticket_messages(body, created_at)');
  for (const { ticket_messages } of conversations ?? []) same<typeof ticket_messages, { body: string; created_at: string }[]>(true);
  const { data: messages } = await customer.from('ticket_messages').select('body, contact_tickets(subject)');
  for (const { contact_tickets } of messages ?? []) same<typeof contact_tickets, { subject: string }>(true);
  await customer.from('contact_tickets').insert({ subject: 'x' });
  await customer.from('contact_tickets').insert([{ subject: 'x', kind: 'billing' }]);
  await customer.from('contact_tickets').update({ status: 'closed' }).eq('id', 'x');
  const { data: opened } = await customer.rpc('open_ticket', { subject: 'x', body: 'y' });
  if (opened) same<typeof opened.id, string>(true);
  const { data: found } = await customer.rpc('search_tickets', { words: 'x' });
  for (const ticket of found ?? []) same<typeof ticket.subject, string>(true);
  await customer.rpc('my_activity', {});
  await customer.rpc('who_am_i');

  // @ts-expect-error The table is not accessible to a customer.
  customer.from('leads');
  // @ts-expect-error Nor is the audit log.
  customer.from('team_activities');
  const { data: hidden } = await customer.from('contact_tickets').select('assigned_to');
  // @ts-expect-error A column that a customer may not read is not in the response.
  hidden?.[0]?.assigned_to.length;
  const { data: notes } = await customer.from('ticket_messages').select('internal');
  // @ts-expect-error Nor are internal notes.
  notes?.[0]?.internal.valueOf();
  // @ts-expect-error A subject is required.
  customer.from('contact_tickets').insert({ kind: 'billing' });
  // @ts-expect-error The owner is the caller.
  customer.from('contact_tickets').insert({ subject: 'x', owner_id: 'user_1' });
  // @ts-expect-error The status does not exist.
  customer.from('contact_tickets').update({ status: 'lost' });
  // @ts-expect-error A customer does not set the priority.
  customer.from('contact_tickets').update({ priority: 'urgent' });
  // @ts-expect-error A message cannot be changed.
  customer.from('ticket_messages').update({ body: 'x' });
  // @ts-expect-error The function is for staff.
  customer.rpc('move_ticket', { ticket: 'x', status: 'closed', version: 1 });
  // @ts-expect-error The body is required.
  customer.rpc('open_ticket', { subject: 'x' });
}

export async function staff() {
  await support.from('contact_tickets').update({ status: 'solved', resolution: null }).eq('id', 'x').eq('version', 3);
  await support.from('ticket_messages').insert({ ticket_id: 'x', body: 'y', internal: true });
  await support.rpc('move_ticket', { ticket: 'x', status: 'closed', version: 1, resolution: 'y' });
  const { data: assigned } = await support.from('contact_tickets').select('assigned_to').single();
  if (assigned) same<typeof assigned.assigned_to, string | null>(true);
  // @ts-expect-error Support reads leads and changes none.
  support.from('leads').update({ status: 'won' });
  // @ts-expect-error Nor does it add any.
  support.from('leads').insert({ name: 'x', email: 'y' });
  // @ts-expect-error The subject is the customer's.
  support.from('contact_tickets').update({ subject: 'x' });
  // @ts-expect-error Moving a lead is for sales.
  support.rpc('move_lead', { lead: 'x', status: 'won', version: 1 });

  await sales.from('leads').insert({ name: 'x', email: 'y', source: 'referral' });
  await sales.rpc('move_lead', { lead: 'x', status: 'won', version: 1 });
  // @ts-expect-error Sales reads tickets and changes none.
  sales.from('contact_tickets').update({ status: 'closed' });
  // @ts-expect-error The audit log is for admins.
  sales.from('team_activities');

  const { data: trail } = await admin.from('team_activities').select('actor_name, before, after');
  for (const { actor_name } of trail ?? []) same<typeof actor_name, string | null>(true);
  await admin.rpc('revoke_sessions', { person: 'user_x', reason: 'y' });
  // @ts-expect-error The audit log is written by the database.
  admin.from('team_activities').insert({ action: 'x' });
  // @ts-expect-error Only a job calls it.
  admin.rpc('erase_person', { person: 'x', identifiers: [] });
}
