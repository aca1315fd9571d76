-- Up Migration

-- Under which floor what is here up to it is right, while the database is new or was restored: see docs/decisions/0026.
alter table cluster add column sound bigint not null default 0;
