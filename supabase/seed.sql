-- Data worth looking at: four owners (one without rows), leads, tickets with messages, chats, and staff actions that went
-- through the audit trigger. `set hub.seed_rows = '100000'` first makes that many tickets; what is there already is replaced.

do $$
declare
  tickets integer := coalesce(nullif(current_setting('hub.seed_rows', true), ''), '200')::integer;
  -- A third each; the persona Dave owns nothing.
  owners text[] := array['org_2hubacme00000000000000001', 'user_2hubcarol0000000000000003', 'org_2hubnorthwind000000000010'];
  authors text[] := array['user_2hubalice0000000000000001', 'user_2hubcarol0000000000000003', 'user_2hubfrank0000000000000011'];
  subjects text[] := array['The contact form sends no e-mail', 'Header overlaps the menu on phones', 'Please add a cookie notice', 'Invoice for October', 'Images load slowly on the start page',
    'Can we change the hero text?', 'A link in the footer is dead', 'Request for a data processing agreement', 'Fonts look different in Safari', 'Question about the hosting region',
    'Search finds nothing with umlauts', 'New team page needed before the fair', 'Checkout shows the wrong tax', 'Please remove a former employee', 'How long are backups kept?'];
  bodies text[] := array['It worked until last week; nothing was changed on our side.', 'We see it on two phones and one tablet, on the train and in the office.', 'Could you tell us when this can be done?',
    'Thank you, that was quick!', 'The attached numbers do not match those on the page.', 'Our lawyer asks for this by Friday.', 'It is not urgent, but it looks careless.'];
  replies text[] := array['We can see it too and are looking into it.', 'This is fixed and live; please reload once.', 'We put it on the plan for next week.', 'Could you send us the address of the page?'];
begin
  -- The seed bypasses the Hub, so that its rows are out of band in the audit log.
  perform set_config('hub.actor_id', 'system:seed', true), set_config('hub.actor_kind', 'system', true);
  update hub.contact_tickets set merged_into = null where merged_into is not null;
  delete from hub.contact_tickets;
  delete from hub.chat_threads;
  delete from hub.leads;

  insert into hub.leads (id, name, email, company, message, source, status, assigned_to, notes, created_at)
  select md5('lead ' || n)::uuid, (array['Ada', 'Björn', 'Chiara', 'Dmitri', 'Elif', 'Farah', 'Gustav', 'Hana'])[n % 8 + 1] || ' ' || (array['Lindqvist', 'Moreau', 'Okafor', 'Petrov', 'Rossi', 'Sato', 'Tan'])[n % 7 + 1],
    'lead' || n || '@example.com', (array['Northwind', 'Tailspin', 'Fabrikam', null, 'Adatum'])[n % 5 + 1],
    (array['We need a new website before spring.', 'Do you take over existing shops?', 'What does a landing page cost?', 'We met at the fair; please call.'])[n % 4 + 1],
    (array['contact_form', 'referral', 'event', 'other'])[n % 4 + 1], (array['new', 'proposal', 'contacted', 'qualified', 'won', 'lost'])[n % 6 + 1],
    case when n % 3 = 0 then 'user_2hubsales0000000000000006' end, case when n % 4 = 0 then 'Called once; asks for a quote.' end, now() - make_interval(hours => n * 7)
  from generate_series(1, greatest(50, tickets / 4)) n;

  insert into hub.contact_tickets (id, owner_id, author_id, kind, subject, status, priority, assigned_to, created_at)
  select md5('ticket ' || n)::uuid, owners[n % 3 + 1], case when n % 6 = 3 then 'user_2hubbob000000000000000002' else authors[n % 3 + 1] end,
    (array['support', 'support', 'support', 'billing', 'other', 'procurement', 'security'])[n % 7 + 1], subjects[n % 15 + 1],
    (array['open', 'pending', 'solved', 'closed'])[n % 4 + 1], (array['normal', 'normal', 'high', 'low', 'urgent'])[n % 5 + 1],
    case when n % 2 = 0 then 'user_2hubsupport000000000000007' end, now() - make_interval(mins => n * 53)
  from generate_series(1, tickets) n;

  insert into hub.ticket_messages (id, ticket_id, author_id, author_kind, body, internal, created_at)
  select md5('ticket message ' || n || ' ' || part)::uuid, md5('ticket ' || n)::uuid,
    case when part in (2, 3) then 'user_2hubsupport000000000000007' else authors[n % 3 + 1] end, case when part in (2, 3) then 'staff' else 'customer' end,
    case part when 2 then replies[n % 4 + 1] when 3 then 'Same cause as last time; see the deploy notes.' else bodies[(n + part) % 7 + 1] end, part = 3,
    now() - make_interval(mins => n * 53 - part * 10)
  from generate_series(1, tickets) n, generate_series(1, 4) part where part <= 2 + n % 4;

  insert into hub.chat_threads (id, owner_id, author_id, topic, status, created_at)
  select md5('thread ' || n)::uuid, owners[n % 3 + 1], authors[n % 3 + 1], (array['Launch day', 'Colours', 'Newsletter', 'Domain move'])[n % 4 + 1],
    (array['open', 'closed'])[n % 2 + 1], now() - make_interval(hours => n * 11)
  from generate_series(1, greatest(12, tickets / 20)) n;

  insert into hub.chat_messages (id, thread_id, author_id, author_kind, body, created_at)
  select md5('chat message ' || n || ' ' || part)::uuid, md5('thread ' || n)::uuid, case when part % 2 = 0 then 'user_2hubsales0000000000000006' else authors[n % 3 + 1] end,
    case when part % 2 = 0 then 'staff' else 'customer' end, (array['Good morning!', 'Hello, how can we help?', 'When do we go live?', 'Tuesday at nine, if the texts are there.', 'They are!', 'Then Tuesday it is.'])[part],
    now() - make_interval(hours => n * 11) + make_interval(mins => part * 3)
  from generate_series(1, greatest(12, tickets / 20)) n, generate_series(1, 6) part;

  -- Staff at work, through the trigger like everybody.
  perform set_config('hub.actor_id', 'user_2hubsales0000000000000006', true), set_config('hub.actor_kind', 'staff', true), set_config('hub.staff_role', 'sales', true), set_config('hub.actor_name', 'Sam Sales', true);
  update hub.leads set status = 'contacted', notes = 'Left a message.' where id in (select md5('lead ' || n)::uuid from generate_series(6, 30, 6) n) and status = 'new';
  perform set_config('hub.actor_id', 'user_2hubsupport000000000000007', true), set_config('hub.staff_role', 'support', true), set_config('hub.actor_name', 'Sue Support', true);
  update hub.contact_tickets set status = 'pending', assigned_to = 'user_2hubsupport000000000000007' where id in (select md5('ticket ' || n)::uuid from generate_series(4, 40, 4) n) and status = 'open';
  perform set_config('hub.actor_id', '', true), set_config('hub.actor_kind', '', true), set_config('hub.staff_role', '', true), set_config('hub.actor_name', '', true);
end
$$;
analyze;
