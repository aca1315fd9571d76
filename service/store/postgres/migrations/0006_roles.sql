-- Up Migration

-- When the peer was last known to have everything: processes that replicate note it, those that serve clients show it.
alter table peers add column caught_up_at timestamptz not null default now();

-- The service's user need not own the tables. Parts of the feed come and go while it runs, and only the owner of a table
-- may do that: these two do it for whoever may call them.
create function skykv_make_feed_part(at timestamptz) returns void language plpgsql security definer as $$
declare
  hour timestamptz := date_trunc('hour', at, 'UTC');
  part text := 'feed_' || to_char(hour at time zone 'UTC', 'YYYYMMDDHH24');
begin
  if to_regclass(part) is not null then
    return;
  end if;
  -- "If not exists" alone fails where two do it at once.
  perform pg_advisory_xact_lock(hashtext('skykv partitions'));
  execute format('create table if not exists %I partition of feed for values from (%L) to (%L)', part, hour, hour + interval '1 hour');
end $$;

-- Waits for nobody: a reader of the whole feed holds a lock on all parts, and everyone would queue behind this.
create function skykv_drop_feed_part(part text) returns void language plpgsql security definer set lock_timeout = '200ms' as $$
begin
  if part !~ '^feed_\d{10}$' then
    raise exception 'expected a part of the feed, found %', part;
  end if;
  execute format('drop table if exists %I', part);
end $$;

-- Callers cannot put tables of their own in the way.
do $$
declare
  path text := format('%I, pg_temp', current_schema());
begin
  execute 'alter function skykv_make_feed_part(timestamptz) set search_path = ' || path;
  execute 'alter function skykv_drop_feed_part(text) set search_path = ' || path;
end $$;
revoke execute on function skykv_make_feed_part(timestamptz), skykv_drop_feed_part(text) from public;
