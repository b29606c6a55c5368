#!/usr/bin/env python3
"""Measures `audius-etl compare` on two databases of one server: `scripts/bench compare`.

Tables of a million rows, equal, with 10 and with 10,000 differences. Every figure stands beside two
others of the same run: the plain scan that any such check must do at least, `count(*)` and a sum of
row hashes on both sides, and reladiff from PyPI, which is installed into a folder of its own.

`scripts/bench` calls this and lends its tools.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

RELADIFF = "reladiff[postgresql]==0.6.0"

# Rows as production has them: a narrow table whose key starts with a number, and one with texts,
# JSON and arrays whose key starts with a text.
TABLES = {
    "follows": {
        "fill": """
            INSERT INTO follows (blockhash, blocknumber, follower_user_id, followee_user_id,
                is_current, is_delete, created_at, txhash)
            SELECT md5((i / 20)::text), i / 20, i % 50000 + 1, i / 50000 * 7919 + i % 97 + 1, true,
                i % 11 = 0, timestamp '2024-01-01' + i * interval '1.7 seconds',
                upper(md5(i::text) || md5((-i)::text))
            FROM generate_series(1, {rows}) AS i""",
        "damage": "UPDATE follows SET created_at = created_at + interval '1 microsecond'",
        "pick": "follower_user_id",
        "keys": ["follower_user_id", "followee_user_id"],
        "columns": ["is_current", "is_delete", "created_at", "txhash", "blockhash", "blocknumber"],
    },
    "notification": {
        "fill": """
            INSERT INTO notification (specifier, group_id, type, slot, blocknumber, timestamp, data,
                user_ids, type_v2)
            SELECT i::text, 'follow:' || i % 100000 || ':milestone:' || i, 'follow', NULL, i / 20,
                timestamp '2024-01-01' + i * interval '1.7 seconds',
                jsonb_build_object('type', 'follow', 'follower_user_id', i,
                    'followee_user_id', i % 100000, 'amount', (i % 1000) / 8.0::float8),
                ARRAY[i % 100000, i], NULL
            FROM generate_series(1, {rows}) AS i""",
        "damage": "UPDATE notification SET data = jsonb_set(data, '{type}', '\"other\"')",
        "pick": "id",
        "keys": ["id"],
        "columns": ["specifier", "group_id", "type", "slot", "blocknumber", "timestamp", "data"],
    },
}


def main(bench, arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--differences", default="0,10,10000", help="in ascending order")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--no-reladiff", action="store_true")
    parser.add_argument("--binary", help="measure this program instead of building one")
    args = parser.parse_args(arguments)
    bench.prepare_binary(args.binary)
    reladiff = None if args.no_reladiff else install_reladiff(bench)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="audius-etl-bench-"))
    folder.chmod(0o755)
    server = None
    try:
        server = bench.Server(folder / "data")
        bench.show_machine(server)
        for table in args.tables.split(","):
            measure(bench, server, folder, table, args, reladiff)
    finally:
        if server:
            server.stop()
        shutil.rmtree((folder / "data" / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def install_reladiff(bench):
    venv = bench.TARGET / "bench-venv"
    program = venv / "bin" / "reladiff"
    if not program.exists():
        bench.say(f"installing {RELADIFF} into {venv}")
        bench.run(sys.executable, "-m", "venv", venv)
        bench.run(venv / "bin" / "pip", "install", "-q", RELADIFF)
    return program


def measure(bench, server, folder, table, args, reladiff):
    spec = TABLES[table]
    server.fresh("bench_etl")
    fill = spec["fill"].format(rows=args.rows)
    server.psql("bench_etl", f"SET session_replication_role = replica; {fill}")
    server.psql("bench_etl", f"VACUUM ANALYZE {table}")
    server.psql("postgres", "DROP DATABASE IF EXISTS bench_prod")
    server.psql("postgres", "CREATE DATABASE bench_prod TEMPLATE bench_etl")
    size = server.psql("bench_etl", f"SELECT pg_size_pretty(pg_relation_size('{table}'))")
    for database in ("bench_etl", "bench_prod"):
        # Both read from memory: what is measured is the work, not the disk.
        server.psql(database, f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t")
    lines = [("table", f"{args.rows:,} rows, {size}")]
    done = 0
    for wanted in map(int, args.differences.split(",")):
        if wanted > done:
            damage(server, table, spec, args.rows, wanted - done)
            done = wanted
        scan = plain_scan(server, table)
        ours = compare(bench, server, folder, table, args)
        assert ours["differences"] == done, (ours, done)
        what = f"{done:,} differences" if done else "equal"
        lines += [
            (f"{what}: count and hash scan, one side after the other", f"{scan:.2f} s"),
            (f"{what}: compare", f"{ours['seconds']:.2f} s, {ours['seconds'] / scan:.2f} of the scan, "
                                 f"{ours['received'] / 1024:,.0f} kB received, "
                                 f"{ours['memory']:.0f} MB"),
        ]
        if reladiff:
            found = with_reladiff(bench, server, table, spec, reladiff, args)
            lines.append((f"{what}: reladiff", found))
    bench.report(f"compare {table}", lines)


def damage(server, table, spec, rows, count):
    """Changes `count` rows that are not changed yet, spread over the whole table."""
    server.psql("bench_etl", f"""
        SET session_replication_role = replica;
        CREATE TABLE IF NOT EXISTS damaged (place tid);
        WITH chosen AS (
            SELECT ctid FROM (
                SELECT ctid, row_number() OVER () AS n FROM {table}
                WHERE ctid NOT IN (SELECT place FROM damaged)
            ) AS numbered
            WHERE n % {max((rows - 10) // count, 1)} = 0 LIMIT {count}
        ), changed AS ({spec['damage']} WHERE ctid IN (SELECT ctid FROM chosen) RETURNING ctid)
        INSERT INTO damaged SELECT ctid FROM changed""")
    server.psql("bench_etl", f"VACUUM ANALYZE {table}")


def plain_scan(server, table):
    started = time.monotonic()
    for database in ("bench_etl", "bench_prod"):
        server.psql(database, f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t")
    return time.monotonic() - started


def compare(bench, server, folder, table, args):
    """Seconds, MB and what the report says of one run."""
    output = folder / "report.jsonl"
    command = [bench.BINARY, "compare", "--all", "--tables", table, "--jobs", args.jobs,
               "--etl-db", server.url_of("bench_etl"), "--prod-db", server.url_of("bench_prod"),
               "--recheck-after", 0, "--json", output]
    run = bench.Measured(command)
    if run.code not in (0, 1):
        raise SystemExit(f"compare ended with code {run.code}:\n{run.text}")
    with open(output) as lines:
        report = json.loads(lines.readline())
    of_table = report["tables"][0]
    return {
        "seconds": run.seconds,
        "memory": run.peak,
        "received": report["etl"]["received"] + report["prod"]["received"],
        "differences": sum(of_table[kind] for kind in
                           ("different", "missing_in_prod", "missing_in_etl")),
    }


def with_reladiff(bench, server, table, spec, program, args):
    host = re.search(r"host=([^&]+)", server.url).group(1)
    urls = [f"postgresql://postgres@/{name}" for name in ("bench_etl", "bench_prod")]
    command = [program, urls[0], table, urls[1], table, "--stats", "-j", args.jobs]
    for key in spec["keys"]:
        command += ["-k", key]
    for column in spec["columns"]:
        command += ["-c", column]
    run = bench.Measured(command, {**os.environ, "PGHOST": host})
    found = re.search(r"(\d+) rows updated", run.text)
    if not found:
        last = run.text.strip().splitlines()[-1:]
        return f"failed after {run.seconds:.1f} s: {last}"
    return f"{run.seconds:.2f} s, {run.peak:.0f} MB, says {found.group(1)} rows differ"


if __name__ == "__main__":
    raise SystemExit("run scripts/bench compare")
