-- What the api reads of balances, with production's columns. The balances on Solana are another
-- program's matter: here they are 0.
CREATE VIEW v_user_balances AS
SELECT u.user_id,
    coalesce(e.balance, 0)::varchar AS eth_balance,
    '0'::varchar AS sol_balance,
    coalesce(e.updated_at, '1970-01-01')::timestamp AS updated_at
FROM users u LEFT JOIN eth_user_balances e ON e.user_id = u.user_id
WHERE u.is_current;
