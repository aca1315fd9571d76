-- Up Migration

-- The cloud that decides all writes of a namespace. See docs/decisions/0015.
alter table namespaces
  -- Null: every cloud decides.
  add column home text collate "C",
  -- The cloud that will be the home; until then nobody decides.
  add column moving_to text collate "C",
  -- Since when this database knows of the move, and the transaction below which all lie that were decided before it.
  add column stopped_at timestamptz,
  add column stop xid8;
-- Releases before this one kept a home among the settings, without a meaning, and counted lives of the namespace here.
update namespaces set settings = settings - 'home', home_epoch = 0;

-- Of requests about entries: these move with the home of the namespace.
alter table idempotency add column namespace text collate "C";
create index idempotency_namespace on idempotency (namespace, scope) where namespace is not null;

create or replace function skykv_catalog_digest(n namespaces) returns bigint language sql stable as $$
  select skykv_catalog_digest('namespace', n.name, n.hlc, n.origin, n.created_at,
    concat(n.epoch, ',', n.home_epoch, ',', n.home, ',', n.moving_to))
$$;
update catalog set digest = (
  (select coalesce(sum(skykv_catalog_digest(n)), 0) from namespaces n)
  + (select coalesce(sum(skykv_catalog_digest(k)), 0) from api_keys k)) % (1::bigint << 60);
