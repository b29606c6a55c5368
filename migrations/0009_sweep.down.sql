DROP TABLE IF EXISTS audius_etl_sweep_failures;
DROP TABLE IF EXISTS audius_etl_sweep_leases;
