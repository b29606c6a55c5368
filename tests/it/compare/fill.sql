-- Made-up rows for any table: fill_table('users', '{user_id}', 1, 200) inserts 200 of them. The i-th
-- row of a table is the same in every database.
CREATE OR REPLACE FUNCTION fill_table(tab text, key text[], first int, last int) RETURNS void
    LANGUAGE plpgsql
    AS $fn$
    DECLARE
        names text;
        makers text;
    BEGIN
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
            string_agg(
                CASE
                    WHEN a.attname = 'is_current' THEN 'true'
                    WHEN t.typtype = 'e' THEN format(
                        '(enum_range(NULL::%1$s))[1 + i %% array_length(enum_range(NULL::%1$s), 1)]',
                        format_type(a.atttypid, NULL))
                    WHEN t.typname = 'bool' THEN 'i % 2 = 0'
                    WHEN t.typname IN ('int2', 'int4', 'int8') THEN format('i * 3 + %s', a.attnum)
                    WHEN t.typname = 'numeric' THEN 'i + 0.50'
                    WHEN t.typname IN ('float4', 'float8') THEN 'i / 7.0'
                    WHEN t.typname = 'bytea' THEN 'decode(lpad(to_hex(i), 8, ''0''), ''hex'')'
                    WHEN t.typname = 'date' THEN 'date ''2024-01-01'' + i'
                    WHEN t.typname IN ('timestamp', 'timestamptz') THEN
                        'timestamp ''2024-01-01 00:00:00.000001'' + i * interval ''61 minutes'''
                    WHEN t.typname IN ('json', 'jsonb') THEN
                        'jsonb_build_object(''n'', i, ''in'', jsonb_build_object(''a'', 1.50, '
                        '''b'', ''v '' || i), ''list'', jsonb_build_array(1, 2.0, ''"1.0"''))'
                    WHEN t.typname IN ('_int4', '_int8') THEN 'ARRAY[i, i + 1, NULL, 7]'
                    WHEN t.typname IN ('_text', '_varchar') THEN
                        'ARRAY[''a "quoted"'', ''b'' || i, ''NULL'']'
                    -- Some empty and some NULL, where neither key nor index wants them otherwise.
                    WHEN NOT a.attnotnull AND t.typname IN ('text', 'varchar')
                        AND NOT a.attname = ANY (key)
                        AND NOT EXISTS (SELECT FROM pg_index x
                            WHERE x.indrelid = a.attrelid AND a.attnum = ANY (x.indkey)) THEN
                        format('CASE i %% 10 WHEN 0 THEN '''' WHEN 1 THEN NULL ELSE %L || i END',
                            a.attname || ' ')
                    ELSE format('%L || i', a.attname || ' ')
                END, ', ' ORDER BY a.attnum)
        INTO names, makers
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = tab::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated = ''
            AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%';
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(%s, %s) AS i',
            tab, names, makers, first, last);
    END
    $fn$;
