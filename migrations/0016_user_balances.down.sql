DROP VIEW IF EXISTS v_user_balances;
