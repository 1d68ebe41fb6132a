"""The verifier that needs no engine, over the proofs that all languages judge, and over proofs of a
book that the engine wrote."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
from collections import Counter
from typing import Any

import fiscaflow
from conftest import ROOT


def load() -> Any:
    file = ROOT / "verifiers" / "python" / "fiscaflow_verifier.py"
    spec = importlib.util.spec_from_file_location("fiscaflow_verifier", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verifier = load()


def in_bytes(text: str) -> bytes:
    return b"" if text == "." else base64.b64decode(text)


def in_path(cell: str, last: str) -> list[bytes]:
    if ":" in cell:
        start, end, new = cell.split(":")
        before = in_bytes(last)
        whole = before[: int(start)] + in_bytes(new or ".") + before[int(end) :]
    else:
        whole = in_bytes(cell)
    return [whole[at : at + 32] for at in range(0, len(whole), 32)]


def test_every_proof_of_the_shared_file_is_judged_right() -> None:
    good: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for line in (ROOT / "verifiers" / "vectors.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        cells = line.split(" ")
        last = good.get(cells[0], cells)
        kind, verdict, one, two, three, four, path = (
            there if cell == "=" else cell for cell, there in zip(cells, last)
        )
        steps = in_path(path, last[6])
        if kind == "i":
            said = verifier.check_inclusion(
                in_bytes(one), int(two), int(three), steps, in_bytes(four)
            )
        else:
            said = verifier.check_consistency(
                int(one), in_bytes(two), int(three), in_bytes(four), steps
            )
        assert said is (verdict == "+"), line
        counts[verdict] += 1
        if said:
            good[kind] = cells
    assert sum(counts.values()) == 10_000
    assert counts["+"] > 800


def test_checkpoints_are_read_and_what_is_none_is_not() -> None:
    root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    text = f"example.com/log\n3\n{root}\n"
    signed = f"{text}\n\u2014 example.com/log AAAAAQID\n"
    assert verifier.parse_checkpoint(text).size == 3
    assert verifier.parse_checkpoint(signed).signatures[0].key_name == "example.com/log"
    assert verifier.key_id("example.com/log", bytes([7] * 32)).hex() == "12d1ce8e"
    for none in ["", f"o\n03\n{root}\n", f"o\n3\n{root}", "o\n3\nAAAA\n", signed[:-1], text + "\n"]:
        assert verifier.parse_checkpoint(none) is None, none


def test_a_book_is_proved_without_the_engine() -> None:
    """What the engine answers leads from a checkpoint that is held to a transaction."""
    with fiscaflow.open("memory:") as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        giro = home.accounts.create(name="Giro")
        made = home.transactions.create(
            account_id=giro["id"], booking_date="2026-03-01", amount="-12.34", description="Bäcker"
        )
        held = verifier.parse_checkpoint(home.proofs.checkpoint()["note"])
        home.accounts.create(name="Savings")
        proof = home.proofs.transaction(made["id"], size=held.size)
        later = home.proofs.consistency(from_size=held.size)
    commit = proof["commit"]
    steps = [bytes.fromhex(step) for step in commit["path"]]
    leaf = verifier.leaf_hash(commit["header"].encode())
    assert verifier.check_inclusion(leaf, commit["index"], held.size, steps, held.root)
    header, body = json.loads(commit["header"]), json.loads(proof["body"])
    assert header["body"] == hashlib.sha256(proof["body"].encode()).hexdigest()
    state = next(it["after"] for it in body["changes"] if it["key"] == made["id"])
    assert state["facts"]["minor"] == -1234
    text = bytes.fromhex(proof["salt"] or "") + (proof["text"] or "").encode()
    assert state["text"] == hashlib.sha256(text).hexdigest()
    assert json.loads(proof["text"] or "")["description"] == "Bäcker"
    newer = verifier.parse_checkpoint(later["checkpoint"]["note"])
    steps = [bytes.fromhex(step) for step in later["path"]]
    assert verifier.check_consistency(held.size, held.root, newer.size, newer.root, steps)
