-- The one graph: what was made from what. Ids are `KIND:NAME`.
CREATE TABLE lineage_edge (
    upstream TEXT NOT NULL,
    downstream TEXT NOT NULL,
    kind TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (upstream, downstream)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_edge_by_downstream ON lineage_edge (downstream, upstream);
