-- What a time is does not depend on the time zone that the database is set to (L-1, L-3). The days that instant() adds were days of that
-- zone: where a clock is moved within the month, the time of a request row was an hour off; and a day of the nightly look began an hour before
-- the last one ended.
alter function hub_private.instant(text) set timezone = 'UTC';
alter function hub_private.check_out_of_band_part(timestamptz, integer, timestamptz, jsonb) set timezone = 'UTC';
