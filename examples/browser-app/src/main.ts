// A customer's tickets in a browser: Clerk signs in, supabase-js calls the Hub, typed for the audience.

import { Clerk } from '@clerk/clerk-js/no-rhc';
import { createClient } from '@supabase/supabase-js';
import type { Database } from '../../../types/customer.ts';

const { VITE_CLERK_PUBLISHABLE_KEY, VITE_CLERK_PROXY_URL, VITE_HUB_URL, VITE_HUB_KEY } = import.meta.env;

// `proxyUrl` is for the local stand-in alone; a deployed app omits it.
const clerk = new Clerk(VITE_CLERK_PUBLISHABLE_KEY, VITE_CLERK_PROXY_URL ? { proxyUrl: VITE_CLERK_PROXY_URL } : {});
// Clerk returns a fresh token whenever the last one is about to expire.
const hub = createClient<Database>(VITE_HUB_URL, VITE_HUB_KEY, { accessToken: async () => (await clerk.session?.getToken()) ?? null });

const app = document.querySelector('#app') as HTMLElement;

/** Returns an element with text or children; text is never parsed as HTML. */
function make<Name extends keyof HTMLElementTagNameMap>(name: Name, attributes: Record<string, string> = {}, ...children: (Node | string)[]) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

function button(text: string, act: () => unknown) {
  const element = make('button', { type: 'button' }, text);
  element.addEventListener('click', act);
  return element;
}

async function show(note = '') {
  if (!clerk.session) {
    app.replaceChildren(make('h1', {}, 'Tickets'), button('Sign in', () => clerk.redirectToSignIn({ redirectUrl: location.href })));
    return;
  }
  const { data: tickets, error } = await hub.from('contact_tickets').select('id, subject, status, created_at').order('created_at', { ascending: false }).limit(20);
  const rows = (tickets ?? []).map((ticket) => make('li', { 'data-id': ticket.id }, `${ticket.subject} (${ticket.status})`));
  app.replaceChildren(
    make('h1', {}, 'Tickets'),
    make('p', { role: 'status' }, error ? `${error.code}: ${error.message}` : note),
    form(),
    make('ul', {}, ...rows),
    button('Show again', () => show('Shown again')),
    button('Sign out', async () => {
      await clerk.signOut();
      await show();
    }),
  );
}

function form() {
  const subject = make('input', { name: 'subject', required: '', maxlength: '200' });
  const body = make('textarea', { name: 'body', required: '', maxlength: '10000' });
  const element = make('form', {}, make('label', {}, 'Subject', subject), make('label', {}, 'What happened?', body), make('button', {}, 'Open a ticket'));
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { data, error } = await hub.rpc('open_ticket', { subject: subject.value, body: body.value });
    await show(error ? `${error.code}: ${error.message}` : `Opened: ${data.subject}`);
  });
  return element;
}

await clerk.load();
await show();
