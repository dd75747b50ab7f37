CREATE VIEW ops.listings AS
SELECT
    id AS listing_id,
    purpose,
    from_date,
    to_date,
    tags,
    pages,
    listed,
    unheard,
    unfinished,
    reached_at,
    begun_at,
    moved_at,
    finished_at
FROM public.listings;

COMMENT ON VIEW ops.listings IS 'Walks through Civitai''s workflows, which find what no callback announced';
COMMENT ON COLUMN ops.listings.listing_id IS 'ours, in the order in which they began';
COMMENT ON COLUMN ops.listings.purpose IS 'reconcile (on schedule) or backfill (a range that somebody named)';
COMMENT ON COLUMN ops.listings.from_date IS 'of creation; null: from the first workflow on';
COMMENT ON COLUMN ops.listings.to_date IS 'of creation; null: to the last';
COMMENT ON COLUMN ops.listings.tags IS 'only workflows with all of them';
COMMENT ON COLUMN ops.listings.pages IS 'pages taken in';
COMMENT ON COLUMN ops.listings.listed IS 'workflows in the range so far';
COMMENT ON COLUMN ops.listings.unheard IS 'of these, never heard of before';
COMMENT ON COLUMN ops.listings.unfinished IS 'of these, had ended unannounced';
COMMENT ON COLUMN ops.listings.reached_at IS 'creation of the last one listed';
COMMENT ON COLUMN ops.listings.begun_at IS 'when it began';
COMMENT ON COLUMN ops.listings.moved_at IS 'when a page was last taken in';
COMMENT ON COLUMN ops.listings.finished_at IS 'when it came to its end; null: it goes on';
