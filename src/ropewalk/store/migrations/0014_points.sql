-- The points of one key of a run in order, in pieces that do not overlap; loose segments are merged into them.
-- `outline` has the piece's first, lowest, highest and last point, `content` all of them, packed as in a segment.
-- No two pieces share a (step, time): so the columns of the key say which piece a point is in.
CREATE TABLE metric_chunk (
    run INTEGER NOT NULL REFERENCES run (number),
    key INTEGER NOT NULL REFERENCES metric_key (id),
    first_step INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    points INTEGER NOT NULL,
    outline BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (run, key, first_step, first_time)
) STRICT;

-- Says without reading a blob how many loose segments and points a run has.
CREATE INDEX metric_segment_by_size ON metric_segment (run, points);
