-- Up Migration

alter table cluster
  -- An administrator keeps clients away from this cloud, which goes on taking part in all else.
  add column drained boolean not null default false,
  -- Incarnations of this cloud up to it were expelled by others.
  add column expelled bigint,
  -- Whether a new database has been compared with its peers, and so holds what they had before it.
  add column copied boolean not null default false;
update cluster set copied = true where incarnation is not null;

alter table peers
  -- Incarnations of the cloud up to it are no members: nothing waits for them, and nothing is taken from them.
  add column expelled bigint,
  add column is_expelled boolean not null generated always as (coalesce(incarnated_at <= expelled, false)) stored,
  -- While not null, this cloud and the peer have not been compared since another cloud was expelled; number of that.
  add column settling bigint,
  add column expulsions bigint not null default 0,
  -- Whether the peer knows of all expulsions, and has been compared with all members since.
  add column settled boolean not null default true;
