"""What every part of a store carries: whose it is, which rows it holds, and a checksum of all its bytes.

The seal is a text in the file's own metadata, `springboard sha256:<64> of:<32> rows:<start>-<stop>`, where
the first is the SHA-256 of the whole file with these 64 digits taken as zeros, and the second names what the
part belongs to: network, space, objective, range, model. A reader needs no Parquet to check it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

KEY: Final = b"springboard.seal"
_ZEROS: Final = b"0" * 64
_SEAL: Final = re.compile(rb"springboard sha256:([0-9a-f]{64}) of:([0-9a-f]{32}) rows:(\d{1,20})-(\d{1,20})")
_START: Final = b"springboard sha256:"


def owner_of(manifest: Mapping[str, Any]) -> str:
    """Name what a store's parts belong to, 32 hexadecimal digits, by all that its numbers depend on."""
    text = json.dumps(dict(manifest), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def blank(owner: str, start: int, stop: int) -> bytes:
    """Seal of a part whose bytes are not known yet."""
    return _START + _ZEROS + f" of:{owner} rows:{start}-{stop}".encode()


def seal(content: bytes, empty: bytes) -> bytes:
    """Put the checksum of a file into its blank seal."""
    at = content.rindex(empty) + len(_START)
    digest = hashlib.sha256(content).hexdigest().encode()
    return b"".join([memoryview(content)[:at], digest, memoryview(content)[at + len(_ZEROS) :]])


def broken(content: bytes, owner: str, start: int, stop: int) -> str:
    """Say what is wrong with a part.

    Parameters
    ----------
    content
        The whole file.
    owner
        What it should belong to, of `owner_of`.
    start, stop
        Rows that it should hold.

    Returns
    -------
    str
        "" where it is whole and what it should be; otherwise "damaged: ..." or "foreign: ...".

    """
    at = content.rfind(_START)
    found = _SEAL.match(content, at) if at >= 0 else None
    if found is None:
        return "damaged: it carries no seal"
    digest = hashlib.sha256(memoryview(content)[: found.start(1)])
    digest.update(_ZEROS)
    digest.update(memoryview(content)[found.end(1) :])
    if digest.hexdigest().encode() != found[1]:
        return "damaged: its bytes are not those that were written"
    if found[2].decode() != owner:
        return "foreign: it belongs to another sweep"
    first, last = int(found[3]), int(found[4])
    if (first, last) != (start, stop):
        return f"foreign: it holds rows {first} to {last}"
    return ""
