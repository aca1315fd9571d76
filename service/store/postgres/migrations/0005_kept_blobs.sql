-- Up Migration

-- The collector of blobs asks by digest for the few kept states whose value is in the blobs port.
create index conflicts_blob on conflicts ((entry ->> 'blob')) where entry ->> 'blob' is not null;
create index quarantine_blob on quarantine ((entry ->> 'blob')) where entry ->> 'blob' is not null;
