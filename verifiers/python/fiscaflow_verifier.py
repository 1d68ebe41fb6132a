"""Checks proofs of a FiscaFlow book's history without the engine: the standard library is enough.

A book's commits are the leaves of a Merkle tree (RFC 9162, section 2.1). A checkpoint names the
tree of one moment: its size and its root. A root is worth what the checkpoint is worth that it
comes from: one that the checker kept, or one that is signed by a key that it trusts. A root that
came with the proof proves nothing. docs/proofs.md of FiscaFlow tells the rest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

_MOST = 2**64 - 1


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf, whose bytes are a commit's header as it is stored."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node, of those of its two children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf with that hash is the one of that index, from 0, in the tree of that size
    and root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size <= _MOST or not _are_hashes(leaf, root, *path):
        return False
    node, last, found = index, size - 1, leaf
    for neighbour in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(neighbour, found)
            # The last node of a level without a neighbour stands for itself one level up.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, neighbour)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def check_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the tree of ``new_size`` begins with the one of ``old_size``, which is not 0
    (RFC 9162, section 2.1.4.2)."""
    if not 0 < old_size <= new_size <= _MOST or not _are_hashes(old_root, new_root, *path):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if not path:
        return False
    # Where the old tree is complete it is a node of the new one, and its root is the first hash.
    whole = old_size & (old_size - 1) == 0
    first, rest = (old_root, path) if whole else (path[0], path[1:])
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = first
    for neighbour in rest:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(neighbour, old), node_hash(neighbour, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, neighbour)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _are_hashes(*all_of: bytes) -> bool:
    return all(len(one) == 32 for one in all_of)


class Signature(NamedTuple):
    """One signature of a note."""

    key_name: str
    key_id: bytes
    signature: bytes


class Checkpoint(NamedTuple):
    """The tree of one moment, read of its text (C2SP ``tlog-checkpoint``)."""

    origin: str
    size: int
    root: bytes
    #: What is signed.
    text: str
    #: Who signed it; whether a signature is good is for whoever knows the key and has Ed25519.
    signatures: list[Signature]


def parse_checkpoint(note: str) -> Checkpoint | None:
    """Reads a checkpoint, signed or not; ``None`` for what is none."""
    text, signatures = note, []
    if "\n\n" in note:
        end = note.rindex("\n\n") + 1
        text, lines = note[:end], note[end + 1 :].split("\n")
        if lines.pop() or not 0 < len(lines) <= 100:
            return None
        for line in lines:
            signature = _signature(line)
            if signature is None:
                return None
            signatures.append(signature)
    if re.search(r"[\x00-\x09\x0b-\x1f]", note) or not text.endswith("\n"):
        return None
    rows = text[:-1].split("\n")
    if len(rows) < 3 or not all(rows) or not re.fullmatch(r"0|[1-9][0-9]{0,19}", rows[1]):
        return None
    size, root = int(rows[1]), _from_base64(rows[2])
    if size > _MOST or root is None or len(root) != 32:
        return None
    return Checkpoint(rows[0], size, root, text, signatures)


def key_id(key_name: str, public_key: bytes) -> bytes:
    """By what an Ed25519 key is told from others of its name (C2SP ``signed-note``)."""
    return hashlib.sha256(key_name.encode() + b"\n\1" + public_key).digest()[:4]


def _signature(line: str) -> Signature | None:
    found = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)", line)
    signature = _from_base64(found[2]) if found else None
    if found is None or signature is None or len(signature) < 5:
        return None
    return Signature(found[1], signature[:4], signature[4:])


def _from_base64(text: str) -> bytes | None:
    """Base64 in its one canonical form."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return found if base64.b64encode(found).decode() == text else None
