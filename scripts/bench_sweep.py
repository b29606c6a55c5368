#!/usr/bin/env python3
"""Measures `audius-etl sweep --full` against a local Ethereum node: `scripts/bench sweep`.

Beside it, in the same run and on the same node, a plain load generator that sends the very calls of
the sweep and throws the answers away, with several numbers of connections: the best it reaches is
what the node serves. It runs before and after the sweep.

`scripts/bench` calls this and lends its tools.
"""

import argparse
import glob
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

CHAIN = 31337
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
FIRST = 0xA000000000000000000000000000000000000000


def main(bench, arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench sweep", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wallets", type=int, default=100_000)
    parser.add_argument("--chunk", type=int, default=200, help="holders per call")
    parser.add_argument("--in-flight", type=int, default=4, help="calls of a batch at once")
    parser.add_argument("--runs", type=int, default=3, help="sweeps, the median counts")
    parser.add_argument("--connections", default="1,2,4,8", help="of the load generator")
    parser.add_argument("--binary", help="measure this program instead of building one")
    args = parser.parse_args(arguments)
    bench.prepare_binary(args.binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="audius-etl-bench-"))
    folder.chmod(0o755)
    server = node = None
    try:
        server = bench.Server(folder / "data")
        bench.show_machine(server)
        node = Node()
        contracts = deploy(node, bench.ROOT)
        fund(node, contracts["audio"], args.wallets)
        fill(bench, server, args.wallets)
        measure(bench, server, node, contracts, args)
    finally:
        if node:
            node.process.kill()
            node.process.wait()
        if server:
            server.stop()
        shutil.rmtree((folder / "data" / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


class Node:
    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [program(), "--port", str(self.port), "--no-mining", "--quiet", "--gas-limit",
             "1000000000", "--no-request-size-limit"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.call("eth_chainId")
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("anvil does not answer")

    def call(self, method, *params):
        return self.calls([(method, params)])[0]

    def calls(self, calls):
        body = [{"jsonrpc": "2.0", "id": i, "method": m, "params": p}
                for i, (m, p) in enumerate(calls)]
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/", json.dumps(body), {"content-type": "application/json"})
        answers = json.loads(connection.getresponse().read())
        connection.close()
        for answer in answers:
            if "error" in answer:
                raise SystemExit(answer["error"])
        return [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]


def program():
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    found = glob.glob(f"{target}/anvil/node_modules/@foundry-rs/anvil-*/bin/anvil")
    found = found or [shutil.which("anvil")]
    if not found[0]:
        raise SystemExit("there is no anvil: run scripts/setup tests")
    return found[0]


def deploy(node, root):
    code = json.loads((root / "fixtures" / "ethereum" / "contracts.json").read_text())
    node.call("anvil_setCode", MULTICALL, code["multicall_runtime"])

    def create(data, *addresses):
        words = "".join(address[2:].lower().rjust(64, "0") for address in addresses)
        sent = node.call("eth_sendTransaction",
                         {"from": OWNER, "data": data + words, "gas": "0x2faf080"})
        node.call("evm_mine")
        return node.call("eth_getTransactionReceipt", sent)["contractAddress"]

    audio = create(code["audio"])
    staking = create(code["staking"], audio)
    manager = create(code["delegate_manager"], audio, staking)
    return {"audio": audio, "staking": staking, "manager": manager}


def holder(number):
    return f"{FIRST + number:040x}"


def fund(node, audio, wallets):
    """A balance for every other wallet, straight into the state."""

    def slot(number):
        return "0x" + holder(number).rjust(64, "0") + "1".rjust(64, "0")

    numbers = range(0, wallets, 2)
    for start in range(0, len(numbers), 1000):
        part = numbers[start:start + 1000]
        keys = node.calls([("web3_sha3", [slot(number)]) for number in part])
        node.calls([("anvil_setStorageAt", [audio, key, "0x" + f"{10**18 + number:064x}"])
                    for key, number in zip(keys, part)])
    node.call("evm_mine")


def fill(bench, server, wallets):
    server.fresh("bench_sweep")
    server.psql("bench_sweep", f"""
        INSERT INTO eth_wallet_balances (wallet, updated_at)
        SELECT '0xa' || lpad(to_hex(n), 39, '0'), 'epoch'::timestamp + n * interval '1 second'
        FROM generate_series(0, {wallets - 1}) n""")
    server.psql("bench_sweep", "VACUUM ANALYZE eth_wallet_balances")
    server.psql("bench_sweep", "CHECKPOINT")


def word(number):
    return f"{number:064x}"


def calldata(contracts, numbers):
    """aggregate3 as the sweep sends it: the block number, then three calls per holder."""
    targets = [(contracts["audio"], "70a08231"), (contracts["staking"], "4b341aed"),
               (contracts["manager"], "b0303b75")]
    calls = [(MULTICALL, "42cbb15c")]
    for number in numbers:
        argument = holder(number).rjust(64, "0")
        calls += [(target, selector + argument) for target, selector in targets]
    heads, tails, offset = [], [], 32 * len(calls)
    for target, data in calls:
        padded = data.ljust(-(-len(data) // 64) * 64, "0")
        tail = (target[2:].lower().rjust(64, "0") + word(1) + word(96) + word(len(data) // 2)
                + padded)
        heads.append(word(offset))
        tails.append(tail)
        offset += len(tail) // 2
    return "0x82ad56cb" + word(32) + word(len(calls)) + "".join(heads) + "".join(tails)


def bodies(node, contracts, args):
    head = node.call("eth_getBlockByNumber", "latest", False)["hash"]
    pin = {"blockHash": head, "requireCanonical": True}
    for start in range(0, args.wallets, args.chunk):
        data = calldata(contracts, range(start, min(start + args.chunk, args.wallets)))
        yield json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call",
                          "params": [{"to": MULTICALL, "data": data}, pin]}).encode()


def load(node, requests, connections):
    """Seconds in which the node answers all requests over so many connections."""
    queue, lock = iter(requests), threading.Lock()
    failed = []

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", node.port)
        while True:
            with lock:
                body = next(queue, None)
            if body is None:
                return
            connection.request("POST", "/", body, {"content-type": "application/json"})
            answer = connection.getresponse().read()
            if b'"result"' not in answer:
                failed.append(answer[:200])
                return

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(failed[0])
    return time.monotonic() - started


def sweep(bench, server, node, contracts, args):
    """Seconds, peak memory in MB and calls of one full sweep."""
    command = [bench.BINARY, "sweep", "--full", "--db", server.url_of("bench_sweep"),
               "--eth-http", node.url, "--eth-chain-id", CHAIN, "--multicall-chunk", args.chunk,
               "--eth-in-flight", args.in_flight,
               "--eth-audio-contract", contracts["audio"],
               "--eth-staking-contract", contracts["staking"],
               "--eth-delegate-manager-contract", contracts["manager"]]
    run = bench.Measured(command)
    if run.code != 0 or f"{args.wallets:,} balances stored" not in run.text:
        raise SystemExit(f"the sweep ended with code {run.code}:\n{run.text}")
    calls = int(re.search(r"([\d,]+) calls? of Multicall3", run.text).group(1).replace(",", ""))
    return run.seconds, run.peak, calls, run.cpu


def measure(bench, server, node, contracts, args):
    requests = list(bodies(node, contracts, args))
    numbers = [int(number) for number in args.connections.split(",")]
    loads = {number: [load(node, requests, number)] for number in numbers}
    sweeps = [sweep(bench, server, node, contracts, args) for _ in range(args.runs)]
    for number in numbers:
        loads[number].append(load(node, requests, number))
    sweeps.sort()
    seconds, peak, calls, processor = sweeps[len(sweeps) // 2]
    rate = lambda seconds: f"{args.wallets / seconds:,.0f} wallets/s"
    best = min(min(times) for times in loads.values())
    lines = [(f"load generator, {number} connections",
              " and ".join(rate(each) for each in times) + " (before and after)")
             for number, times in loads.items()]
    lines += [
        ("sweep --full", f"{seconds:.2f} s, {rate(seconds)}, {calls} calls; "
                         f"all: {', '.join(f'{each[0]:.2f}' for each in sweeps)} s"),
        ("speed against the best load", f"{best / seconds:.2f}"),
        ("peak memory", f"{peak:.0f} MB"),
        ("processor of the sweep", f"{processor:.1f} s"),
    ]
    bench.report(f"{args.wallets:,} wallets read and stored, {args.chunk} per call", lines)
