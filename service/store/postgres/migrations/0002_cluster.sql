-- Up Migration

-- Who this database was when it was last opened, and how far deletions may be forgotten. See docs/decisions/0010 and 0011.
alter table cluster
  add column incarnation text,
  -- Milliseconds since 1970 when the incarnation began: of two incarnations the later one counts.
  add column incarnated_at bigint not null default 0,
  -- Nothing is stamped at or below it any more: what was said to be complete stays complete.
  add column stamped_above bigint not null default 0,
  -- A hybrid time that is to be confirmed, and the transaction from which on everything is stamped above it.
  add column mark bigint,
  add column mark_xid xid8,
  add column marked_at timestamptz,
  -- Every peer has committed all that entered here up to it. The floor is the lowest one of all members.
  add column confirmed bigint not null default 0,
  -- Whether a restored database has still to fetch from its peers what it lost.
  add column recovering boolean not null default false;

-- The other members, as this one has heard of them.
create table peers (
  peer text collate "C" primary key,
  incarnation text,
  incarnated_at bigint not null default 0,
  confirmed bigint not null default 0,
  -- While not null the feed alone does not bring the peer all it lacks; the number of the repair that must finish.
  repair bigint,
  repairs bigint not null default 0,
  clean_at timestamptz
);

-- How far each peer has committed what entered here. Held by a lease, never by an open transaction.
create table cursors (
  peer text collate "C" not null references peers on delete cascade,
  shard smallint not null,
  xid xid8 not null default '0',
  id bigint not null default 0,
  -- Milliseconds since 1970: finds the part of the feed.
  at bigint not null default 0,
  owner text,
  until timestamptz not null default '-infinity',
  -- Raised at every change of owner: who lost the lease without noticing cannot move the cursor.
  fence bigint not null default 0,
  primary key (peer, shard)
);

-- How far this cloud is complete in what entered elsewhere.
create table watermarks (
  origin text collate "C" not null,
  shard smallint not null,
  incarnation text not null,
  incarnated_at bigint not null,
  complete xid8 not null,
  primary key (origin, shard)
);

-- Keys that a peer could not take yet. They hold the peer's watermark at `below`, not the other keys.
create table set_aside (
  peer text collate "C" not null references peers on delete cascade,
  path text collate "C" not null,
  shard smallint not null,
  below xid8 not null,
  hlc bigint not null,
  reason text not null,
  attempts integer not null default 1,
  since timestamptz not null default now(),
  retry_at timestamptz not null,
  primary key (peer, path)
);

-- Entries from the future: merged once their time has come. They hold the sender's watermark at `below`.
create table quarantine (
  path text collate "C" not null,
  hlc bigint not null,
  origin text collate "C" not null,
  sender text collate "C" not null,
  shard smallint not null,
  below xid8 not null,
  entry jsonb not null,
  value bytea,
  primary key (path, hlc, origin)
);

-- States that lost to a concurrent write of another cloud, for people to look at. Bounded by age and number.
create table conflicts (
  path text collate "C" not null,
  hlc bigint not null,
  origin text collate "C" not null,
  at timestamptz not null default now(),
  entry jsonb not null,
  value bytea,
  primary key (path, hlc, origin)
);
create index conflicts_at on conflicts (at);

-- Per origin, the newest write that a state descends from, its own included.
create function skykv_lineage(seen jsonb, origin text, hlc bigint, cells jsonb) returns jsonb language sql immutable as $$
  select coalesce(seen, '{}') || coalesce((select jsonb_object_agg(key, value ->> 't') from jsonb_each(cells)), '{}')
    || jsonb_build_object(origin, hlc::text)
$$;

-- 64 bits in hex of the state of a row in normal form; the text is the one of `stateText` in kv/carried.ts.
create function skykv_digest(e entries, floor bigint) returns text language sql immutable as $$
  select left(md5(case e.kind
    when 't' then concat('t', E'\n', e.hlc, E'\n', e.origin, E'\n', e.path)
    when 'c' then concat('c', E'\n', case when e.epoch_hlc > floor then e.epoch_hlc else 0 end, E'\n',
      case when e.epoch_hlc > floor then e.epoch_origin else '' end, E'\n',
      (select string_agg(key || '=' || (value ->> 't') || ':' || (value ->> 'n'), ',' order by key collate "C")
        from jsonb_each(e.cells)), E'\n', e.path)
    else concat('v', E'\n', e.hlc, E'\n', e.origin, E'\n', coalesce(e.expires_at::text, E'\x01'), E'\n', e.size, E'\n',
      coalesce(e.blob, E'\x01'), E'\n', coalesce(e.content_type, E'\x01'), E'\n', coalesce(e.content_encoding, E'\x01'),
      E'\n', coalesce(e.meta, E'\x01'), E'\n', coalesce(md5(e.value), E'\x01'), E'\n', e.path)
  end), 16)
$$;

-- Makes a statement fail, and so roll back, when the floor is another one. Volatile: it sees what was committed after the
-- statement began. Called with the number of rows written, so that it runs behind them: what the reaper had removed by
-- then, it had removed under a floor that this sees.
create function skykv_require_floor(expected bigint, rows_written bigint) returns void language plpgsql volatile as $$
begin
  if (select floor from cluster) <> expected then
    raise exception 'the floor has risen' using errcode = '40001';
  end if;
end $$;
