"""The shape of a key, and its checksum. No I/O."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias
from zlib import crc32

KeyKind: TypeAlias = Literal["user", "master", "tenant", "platform", "api_user"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_PUBLIC_LENGTH = 8
_TAIL = "[0-9A-Za-z]{46}"
# The kinds that name their environment have its slug before the tail.
_PATTERNS: dict[KeyKind, re.Pattern[str]] = {
    "user": re.compile(rf"(fl_user_([a-z0-9]{{1,16}})_){_TAIL}"),
    "master": re.compile(rf"(fl_master_([a-z0-9]{{1,16}})_){_TAIL}"),
    "tenant": re.compile(rf"(flkey_)(){_TAIL}"),
    "platform": re.compile(rf"(flplatform_)(){_TAIL}"),
    "api_user": re.compile(rf"(flapi_)(){_TAIL}"),
}


@dataclass(frozen=True)
class ParsedKey:
    """What a key says about itself. ``prefix`` may be shown and logged."""

    kind: KeyKind
    environment: str | None
    prefix: str


def parse_key(text: str) -> ParsedKey | None:
    """Parses a key. None for text that is no key: another shape, or a wrong checksum."""
    for kind, pattern in _PATTERNS.items():
        match = pattern.fullmatch(text)
        if match is None:
            continue
        body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
        if _checksum(body) != checksum:
            return None
        return ParsedKey(kind, match[2] or None, text[: len(match[1]) + _PUBLIC_LENGTH])
    return None


def is_verifiable(text: str) -> bool:
    """Whether a verification can accept it: a key of any kind except a master key."""
    parsed = parse_key(text)
    return parsed is not None and parsed.kind != "master"


def _checksum(body: str) -> str:
    rest = crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
