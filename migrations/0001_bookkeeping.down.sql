-- The record of migrations goes with the rest: reverting the first one means leaving the database.
DROP TABLE IF EXISTS audius_etl_deferred_indexes;
DROP TABLE IF EXISTS audius_etl_effects;
DROP TABLE IF EXISTS audius_etl_history;
DROP TABLE IF EXISTS audius_etl_chains;
DROP TABLE IF EXISTS audius_etl_checkpoints;
DROP TABLE IF EXISTS audius_etl_migrations;
