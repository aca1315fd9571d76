-- Up Migration

-- Namespaces and API keys are the same in all clouds. See docs/decisions/0014.

-- Fields of newer releases, kept and passed on.
alter table namespaces add column extra jsonb;
alter table api_keys add column extra jsonb;

-- A deletion hides by its epoch, so that it still does when a newer edit of another cloud makes the namespace live again.
update namespaces set epoch = greatest(epoch, hlc) where deleted;

-- 60 bits of a row's version and of what grows beside it; the text is the one of `digestOf` in kv/catalog.ts.
create function skykv_catalog_digest(kind text, id text, hlc bigint, origin text, created_at timestamptz, grows text)
returns bigint language sql stable as $$
  select ('x' || left(md5(concat(kind, E'\n', id, E'\n', hlc, E'\n', origin, E'\n',
    (extract(epoch from created_at) * 1000)::bigint, E'\n', grows)), 15))::bit(60)::bigint
$$;
create function skykv_catalog_digest(n namespaces) returns bigint language sql stable as $$
  select skykv_catalog_digest('namespace', n.name, n.hlc, n.origin, n.created_at, n.epoch::text)
$$;
create function skykv_catalog_digest(k api_keys) returns bigint language sql stable as $$
  select skykv_catalog_digest('key', k.id, k.hlc, k.origin, k.created_at, (extract(epoch from k.revoked_at) * 1000)::bigint::text)
$$;

-- One row: the sum of the digests of both tables, modulo 2^60. Kept up to date by triggers, because every heartbeat reads it.
create table catalog (
  one boolean primary key default true check (one),
  digest bigint not null
);
insert into catalog (digest) select (
  (select coalesce(sum(skykv_catalog_digest(n)), 0) from namespaces n)
  + (select coalesce(sum(skykv_catalog_digest(k)), 0) from api_keys k)) % (1::bigint << 60);

create function skykv_sum_catalog() returns trigger language plpgsql as $$
declare
  change bigint := 0;
begin
  if tg_op <> 'INSERT' then change := change - skykv_catalog_digest(old); end if;
  if tg_op <> 'DELETE' then change := change + skykv_catalog_digest(new); end if;
  update catalog set digest = (digest + change + (1::bigint << 60)) % (1::bigint << 60);
  return null;
end $$;
create trigger summed after insert or update or delete on namespaces for each row execute function skykv_sum_catalog();
create trigger summed after insert or update or delete on api_keys for each row execute function skykv_sum_catalog();
