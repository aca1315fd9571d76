-- Up Migration

-- Per cloud, the transaction by which the state entered there, [incarnation's begin, xid]: what a session that has read
-- it must find in other clouds. Null where the state entered here: then that is `changed`. Takes the place of
-- `origin_changed`, which knew neither incarnations nor that a counter comes from several clouds.
alter table entries add column marks jsonb;

-- Per other cloud and shard, the newest transaction of which anything was merged here: what a list may have shown, or
-- have left out because it was deleted there. By shard, so that batches do not wait for each other.
create table reached (
  origin text collate "C" not null,
  shard smallint not null,
  since bigint not null,
  transaction xid8 not null,
  primary key (origin, shard)
);
