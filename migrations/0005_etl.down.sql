-- Only for a database on which the up migration created everything.

DROP MATERIALIZED VIEW IF EXISTS mv_dashboard_transaction_types;
DROP MATERIALIZED VIEW IF EXISTS mv_dashboard_transaction_stats;
DROP TRIGGER IF EXISTS trigger_notify_new_plays ON etl_plays;
DROP TRIGGER IF EXISTS trigger_notify_new_block ON etl_blocks;
DROP FUNCTION IF EXISTS notify_new_plays();
DROP FUNCTION IF EXISTS notify_new_block();
DROP TABLE IF EXISTS etl_storage_proof_verifications;
DROP TABLE IF EXISTS etl_storage_proofs;
DROP TABLE IF EXISTS etl_sla_node_reports;
DROP TABLE IF EXISTS etl_sla_rollups;
DROP TABLE IF EXISTS etl_validator_misbehavior_deregistrations;
DROP TABLE IF EXISTS etl_validator_deregistrations;
DROP TABLE IF EXISTS etl_validator_registrations;
DROP TABLE IF EXISTS etl_validators;
DROP TABLE IF EXISTS etl_plays;
DROP TABLE IF EXISTS etl_manage_entities;
DROP TABLE IF EXISTS etl_addresses;
DROP TABLE IF EXISTS etl_transactions;
DROP TABLE IF EXISTS etl_blocks;
DROP TYPE IF EXISTS etl_proof_status;
