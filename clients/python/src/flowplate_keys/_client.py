"""The synchronous client."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Self, TypeAlias, Unpack

import httpx

from . import _calls as calls
from ._api_types import (
    Introspection,
    Key,
    KeyChanges,
    KeyFilter,
    KeyUsage,
    MintedKey,
    MintRequest,
    Refreshed,
    RefreshRequest,
    Revoked,
    UpdatedKey,
    UsageRange,
    Verdict,
    VerifyRequest,
)
from ._errors import FlowplateError

# The method `list` hides the type of this name inside of the class.
Verdicts: TypeAlias = list[Verdict]


class FlowplateClient:
    """Client of the Flowplate API. Safe to share between threads.

    Methods raise ``FlowplateApiError`` (a refusal) or ``FlowplateUnreachableError`` (no answer).
    Mint and refresh are repeated under one Idempotency-Key, so that a lost answer costs no second
    key. Reads are repeated; a revoke, a change and a verification are sent once.
    """

    def __init__(
        self,
        base_url: str,
        master_key: str,
        *,
        timeout: float = 10.0,
        repetitions_max: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``timeout`` is in seconds, of each step of one attempt. A transport replaces httpx's own."""
        self._base_url = base_url
        self._master_key = master_key
        self._repetitions_max = repetitions_max
        self._http = httpx.Client(timeout=timeout, transport=transport)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mint(self, *, idempotency_key: str | None = None, **request: Unpack[MintRequest]) -> MintedKey:
        """``KEY_ALREADY_EXISTS`` with ``details["key_id"]`` when the user has an active key there."""
        return self._send(calls.mint(request, idempotency_key))

    def refresh(
        self,
        user_id: str,
        organization_id: str,
        *,
        idempotency_key: str | None = None,
        **request: Unpack[RefreshRequest],
    ) -> Refreshed:
        """Replaces the active key. The old one ends at once, or after ``grace_period_seconds``."""
        return self._send(calls.refresh(calls.owner_path(user_id, organization_id), request, idempotency_key))

    def revoke(self, key_id: str) -> Revoked:
        return self._send(calls.revoke(calls.key_path(key_id)))

    def revoke_owner(self, user_id: str, organization_id: str, *, environment: str | None = None) -> Revoked:
        """Revokes every key of the user in the organization, in all environments unless one is named."""
        return self._send(calls.revoke(calls.owner_path(user_id, organization_id), environment))

    def revoke_user(self, user_id: str) -> Revoked:
        return self._send(calls.revoke(calls.user_path(user_id)))

    def get(self, key_id: str) -> Key:
        return self._send(calls.get(key_id))

    def list(self, **query: Unpack[KeyFilter]) -> Iterator[Key]:
        """All matching keys, newest first. Fetches page after page as they are consumed."""
        cursor: str | None = None
        while True:
            page = self._send(calls.page({**query, "cursor": cursor}))
            for key in page["data"]:
                yield key
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def update(self, key_id: str, **changes: Unpack[KeyChanges]) -> UpdatedKey:
        """Only what is named changes; None takes an option away."""
        return self._send(calls.update(key_id, changes))

    def usage(self, key_id: str, **period: Unpack[UsageRange]) -> KeyUsage:
        """``from_`` is the query's ``from``, which is a word of Python's."""
        return self._send(calls.usage(key_id, period))

    def verify(self, **request: Unpack[VerifyRequest]) -> Verdict:
        """Verifies a key. Counts the call and spends limits, so it is sent once.

        A key with a wrong checksum is ``MALFORMED`` without a request.
        """
        refused = calls.refused_here(request)
        return refused or calls.to_verdict(self._send(calls.verify(request)))

    def verify_batch(self, requests: Sequence[VerifyRequest]) -> Verdicts:
        """Verifies up to 100 keys; verdicts in the order of the requests."""
        body = self._send(calls.verify_batch(requests))
        return calls.to_verdicts(body, len(requests))

    def introspect(self, token: str) -> Introspection:
        """RFC 7662."""
        return self._send(calls.introspect(token))

    def _send(self, call: calls.Call[calls.Answer]) -> calls.Answer:
        request = calls.to_request(self._base_url, self._master_key, call)
        repetitions = 0
        while True:
            try:
                answer: calls.Answer = self._attempt(request)
                return answer
            except FlowplateError as error:
                pause = calls.pause_before(call, error, repetitions, self._repetitions_max)
                if pause is None:
                    raise
            time.sleep(pause)
            repetitions += 1

    def _attempt(self, request: dict[str, Any]) -> Any:
        try:
            response = self._http.request(**request)
        except httpx.RequestError as cause:
            raise calls.unreachable(cause) from cause
        return calls.to_answer(response)
