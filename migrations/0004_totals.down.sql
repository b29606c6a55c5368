-- Only for a database on which the up migration created everything.

DROP TABLE IF EXISTS artist_coin_stats;
DROP TABLE IF EXISTS artist_coins;
DROP TABLE IF EXISTS sol_user_balances;
DROP TABLE IF EXISTS user_balance_changes;
DROP TABLE IF EXISTS user_balances;
DROP TABLE IF EXISTS usdc_purchases;
DROP TABLE IF EXISTS milestones;
DROP TABLE IF EXISTS aggregate_user_tips;
DROP TABLE IF EXISTS aggregate_playlist;
DROP TABLE IF EXISTS aggregate_track;
DROP TABLE IF EXISTS aggregate_user;
DROP TABLE IF EXISTS hourly_play_counts;
DROP TABLE IF EXISTS aggregate_monthly_plays;
DROP TABLE IF EXISTS aggregate_plays;
DROP TABLE IF EXISTS plays;
DROP TYPE IF EXISTS usdc_purchase_content_type;
