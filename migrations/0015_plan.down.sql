DROP TABLE IF EXISTS audius_etl_plan;
