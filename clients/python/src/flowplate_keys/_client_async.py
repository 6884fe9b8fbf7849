"""The asynchronous client."""

import asyncio
from collections.abc import AsyncIterator, Sequence
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


class AsyncFlowplateClient:
    """The same client for ``asyncio``.

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``timeout`` is in seconds, of each step of one attempt. A transport replaces httpx's own."""
        self._base_url = base_url
        self._master_key = master_key
        self._repetitions_max = repetitions_max
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def mint(self, *, idempotency_key: str | None = None, **request: Unpack[MintRequest]) -> MintedKey:
        """``KEY_ALREADY_EXISTS`` with ``details["key_id"]`` when the user has an active key there."""
        return await self._send(calls.mint(request, idempotency_key))

    async def refresh(
        self,
        user_id: str,
        organization_id: str,
        *,
        idempotency_key: str | None = None,
        **request: Unpack[RefreshRequest],
    ) -> Refreshed:
        """Replaces the active key. The old one ends at once, or after ``grace_period_seconds``."""
        return await self._send(calls.refresh(calls.owner_path(user_id, organization_id), request, idempotency_key))

    async def revoke(self, key_id: str) -> Revoked:
        return await self._send(calls.revoke(calls.key_path(key_id)))

    async def revoke_owner(self, user_id: str, organization_id: str, *, environment: str | None = None) -> Revoked:
        """Revokes every key of the user in the organization, in all environments unless one is named."""
        return await self._send(calls.revoke(calls.owner_path(user_id, organization_id), environment))

    async def revoke_user(self, user_id: str) -> Revoked:
        return await self._send(calls.revoke(calls.user_path(user_id)))

    async def get(self, key_id: str) -> Key:
        return await self._send(calls.get(key_id))

    async def list(self, **query: Unpack[KeyFilter]) -> AsyncIterator[Key]:
        """All matching keys, newest first. Fetches page after page as they are consumed."""
        cursor: str | None = None
        while True:
            page = await self._send(calls.page({**query, "cursor": cursor}))
            for key in page["data"]:
                yield key
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def update(self, key_id: str, **changes: Unpack[KeyChanges]) -> UpdatedKey:
        """Only what is named changes; None takes an option away."""
        return await self._send(calls.update(key_id, changes))

    async def usage(self, key_id: str, **period: Unpack[UsageRange]) -> KeyUsage:
        """``from_`` is the query's ``from``, which is a word of Python's."""
        return await self._send(calls.usage(key_id, period))

    async def verify(self, **request: Unpack[VerifyRequest]) -> Verdict:
        """Verifies a key. Counts the call and spends limits, so it is sent once.

        A key with a wrong checksum is ``MALFORMED`` without a request.
        """
        refused = calls.refused_here(request)
        return refused or calls.to_verdict(await self._send(calls.verify(request)))

    async def verify_batch(self, requests: Sequence[VerifyRequest]) -> Verdicts:
        """Verifies up to 100 keys; verdicts in the order of the requests."""
        body = await self._send(calls.verify_batch(requests))
        return calls.to_verdicts(body, len(requests))

    async def introspect(self, token: str) -> Introspection:
        """RFC 7662."""
        return await self._send(calls.introspect(token))

    async def _send(self, call: calls.Call[calls.Answer]) -> calls.Answer:
        request = calls.to_request(self._base_url, self._master_key, call)
        repetitions = 0
        while True:
            try:
                answer: calls.Answer = await self._attempt(request)
                return answer
            except FlowplateError as error:
                pause = calls.pause_before(call, error, repetitions, self._repetitions_max)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
            repetitions += 1

    async def _attempt(self, request: dict[str, Any]) -> Any:
        try:
            response = await self._http.request(**request)
        except httpx.RequestError as cause:
            raise calls.unreachable(cause) from cause
        return calls.to_answer(response)
