"""Client of Flowplate Keys: mint, verify, refresh and revoke keys of users."""

from ._api_types import (
    Introspection,
    Key,
    KeyChanges,
    KeyPage,
    KeyUsage,
    MintedKey,
    MintRequest,
    Refreshed,
    RefreshRequest,
    Revoked,
    UpdatedKey,
    Verdict,
    VerifyRequest,
)
from ._client import FlowplateClient
from ._client_async import AsyncFlowplateClient
from ._errors import FlowplateApiError, FlowplateError, FlowplateUnreachableError
from ._key_format import ParsedKey, is_verifiable, parse_key

__all__ = [
    "AsyncFlowplateClient",
    "FlowplateApiError",
    "FlowplateClient",
    "FlowplateError",
    "FlowplateUnreachableError",
    "Introspection",
    "Key",
    "KeyChanges",
    "KeyPage",
    "KeyUsage",
    "MintRequest",
    "MintedKey",
    "ParsedKey",
    "RefreshRequest",
    "Refreshed",
    "Revoked",
    "UpdatedKey",
    "Verdict",
    "VerifyRequest",
    "is_verifiable",
    "parse_key",
]
