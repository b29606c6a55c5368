#!/usr/bin/env python3
"""Measures `audius-etl backfill transfers` on a local Ethereum node: `scripts/bench transfers`.

A chain of churning transfers; the wallets they name are users' wallets, and each balance is read with
Multicall3 and stored. Beside it, in the same run, on the same node and server, a plain script that
only fetches the logs, 500 blocks at a time, and COPYs them with psql: the floor of node and database.
The second chain has ten times the logs on as many blocks, to see that time grows no faster.

`scripts/bench` calls this and lends its tools.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import bench_sweep

FETCH_AND_COPY = r"""
import http.client, json, subprocess, sys
port, audio, first, last, url = sys.argv[1:]
topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
psql = subprocess.Popen(["psql", url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c",
                         "COPY raw_logs FROM STDIN"], stdin=subprocess.PIPE, text=True)
connection = http.client.HTTPConnection("127.0.0.1", int(port))
for start in range(int(first), int(last) + 1, 500):
    end = min(start + 499, int(last))
    query = {"address": audio, "topics": [topic], "fromBlock": hex(start), "toBlock": hex(end)}
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [query]}
    connection.request("POST", "/", json.dumps(body), {"content-type": "application/json"})
    logs = json.loads(connection.getresponse().read())["result"]
    psql.stdin.write("".join(
        f"{int(log['blockNumber'], 16)}\t{int(log['logIndex'], 16)}\t{log['transactionHash']}\t"
        f"{log['topics'][1][26:]}\t{log['topics'][2][26:]}\t{int(log['data'], 16)}\n"
        for log in logs))
psql.stdin.close()
sys.exit(psql.wait())
"""


def main(bench, arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench transfers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=2_500)
    parser.add_argument("--logs", default="50000,500000", help="logs of each chain")
    parser.add_argument("--holders", default="1000,10000",
                        help="wallets among which tokens move, for each of which all is measured")
    parser.add_argument("--runs", type=int, default=3, help="the median counts")
    parser.add_argument("--binary", help="measure this program instead of building one")
    args = parser.parse_args(arguments)
    bench.prepare_binary(args.binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="audius-etl-bench-"))
    folder.chmod(0o755)
    server = None
    try:
        server = bench.Server(folder / "data")
        bench.show_machine(server)
        for holders in map(int, args.holders.split(",")):
            for logs in map(int, args.logs.split(",")):
                measure(bench, server, args, logs, holders)
    finally:
        if server:
            server.stop()
        shutil.rmtree((folder / "data" / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def measure(bench, server, args, logs, holders):
    node = bench_sweep.Node()
    try:
        contracts = bench_sweep.deploy(node, bench.ROOT)
        first = int(node.call("eth_blockNumber"), 16) + 1
        churn(bench, node, contracts["audio"], args.blocks, logs, holders)
        last = first + args.blocks - 1
        plain = [copy(server, node, contracts, first, last) for _ in range(args.runs)]
        ours = [backfill(bench, server, node, contracts, (first, last), logs, holders)
                for _ in range(args.runs)]
    finally:
        node.process.kill()
        node.process.wait()
    plain.sort()
    ours.sort()
    seconds, peak, processor, text = ours[len(ours) // 2]
    floor = plain[len(plain) // 2]
    lines = [("fetch and COPY only", f"{floor:.2f} s; all: {spread(plain)}"),
             ("backfill transfers", f"{seconds:.2f} s, {logs / seconds:,.0f} logs/s; "
                                    f"all: {spread([each[0] for each in ours])}"),
             ("against the floor", f"{seconds / floor:.2f} times its time"),
             ("peak memory", f"{peak:.0f} MB"),
             ("processor", f"{processor:.2f} s")]
    lines += [tuple(part.strip() for part in line.split("  ", 1))
              for line in text.splitlines() if "  " in line and any(map(str.isdigit, line))]
    bench.report(f"{logs:,} transfers among {holders:,} wallets in {args.blocks:,} blocks", lines)


def spread(times):
    return ", ".join(f"{each:.2f}" for each in times) + " s"


def churn(bench, node, audio, blocks, logs, holders):
    """One transaction of transfers in each block."""
    started = time.monotonic()
    selector = node.call("web3_sha3", "0x" + b"churn(uint160,uint256,uint256,uint256,uint256)".hex())
    each = logs // blocks
    for start in range(0, blocks, 50):
        calls = []
        for block in range(start, min(start + 50, blocks)):
            words = [bench_sweep.FIRST, holders, each, block, 3]
            data = selector[:10] + "".join(bench_sweep.word(word) for word in words)
            calls.append(("eth_sendTransaction",
                          [{"from": bench_sweep.OWNER, "to": audio, "data": data,
                            "gas": "0x2faf0800"}]))
            calls.append(("evm_mine", []))
        # One after the other: the answers of a batch come in any order.
        for call in calls:
            node.calls([call])
    bench.say(f"{logs:,} transfers made in {time.monotonic() - started:.1f} s")


def copy(server, node, contracts, first, last):
    server.psql("postgres", "DROP DATABASE IF EXISTS bench_plain")
    server.psql("postgres", "CREATE DATABASE bench_plain")
    server.psql("bench_plain", "CREATE TABLE raw_logs (block bigint, index bigint, hash text, "
                               "sender text, receiver text, amount numeric)")
    command = [sys.executable, "-c", FETCH_AND_COPY, str(node.port), contracts["audio"], str(first),
               str(last), server.url_of("bench_plain")]
    started = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - started


def backfill(bench, server, node, contracts, span, logs, holders):
    """Seconds, peak memory in MB, processor seconds and what was printed."""
    database = "bench_transfers"
    server.fresh(database)
    server.psql(database, f"""
        INSERT INTO blocks (blockhash, number, is_current) VALUES ('b', 1, true);
        INSERT INTO users (user_id, is_current, blocknumber, wallet)
        SELECT 1000 + n, true, 1, '0xa' || lpad(to_hex(n), 39, '0')
        FROM generate_series(0, {holders - 1}) n""")
    server.psql(database, "VACUUM ANALYZE")
    server.psql(database, "CHECKPOINT")
    command = [bench.BINARY, "backfill", "transfers", "--db", server.url_of(database),
               "--from", span[0], "--to", span[1],
               "--eth-http", node.url, "--eth-chain-id", bench_sweep.CHAIN,
               "--eth-audio-contract", contracts["audio"],
               "--eth-staking-contract", contracts["staking"],
               "--eth-delegate-manager-contract", contracts["manager"]]
    run = bench.Measured(command)
    if run.code != 0 or f"{logs:,}" not in run.text:
        raise SystemExit(f"the backfill ended with code {run.code}:\n{run.text}")
    wrong = server.psql(database, "SELECT count(*) FROM eth_wallet_balances WHERE blocknumber IS NULL")
    if wrong != "0":
        raise SystemExit(f"{wrong} wallets without the block of an event")
    return run.seconds, run.peak, run.cpu, run.text
