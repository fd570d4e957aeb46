-- What the specification's tables have and ours have moved away. Runs after harness/pipeline/sql/schema.sql, any
-- number of times. Row security, publication and grants stay ours: the specification has none, and without them
-- nothing would be delivered at all (D-31).

-- The whole context in the published row (D-45, D-46).
alter table {schema}.generated_articles_state add column if not exists article_context jsonb;
