-- Looking at the trail (L-1): each filter that staff have stays under 50 ms at a million rows, also for what is rare (`make bench`).

-- By table alone was a walk down the whole trail for a table that is rare in it; with an action besides, either index is enough.
drop index hub.team_activities_entity;
create index team_activities_entity on hub.team_activities (entity, id);
-- Most rows are by staff and by clients, and are met soon on any walk; the others are few.
create index team_activities_actor_kind on hub.team_activities (actor_kind, id) where actor_kind in ('system', 'visitor');
-- PostgREST asks `is true`, for which an index on what is simply true is not taken; both hold the few rows that came by hand.
create index team_activities_by_hand on hub.team_activities (id) where out_of_band is true;

-- A plan for any value is right for the frequent ones and reads a million rows for a rare one, so each question of staff is planned
-- for its own values. PostgREST sets a role's settings in each transaction.
alter role hub_staff set plan_cache_mode = 'force_custom_plan';

revoke execute on all functions in schema hub, hub_private from public;
