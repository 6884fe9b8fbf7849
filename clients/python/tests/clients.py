"""Both clients behind one face, so that every test is of both."""

import asyncio
import os
from typing import Any

import httpx

from flowplate_keys import AsyncFlowplateClient, FlowplateClient

SERVER = os.environ["FLOWPLATE_SERVER"]
MASTER_KEY = os.environ["FLOWPLATE_MASTER_KEY"]


class Blocking:
    """The asynchronous client, each call of which is waited for."""

    def __init__(self, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncFlowplateClient(SERVER, MASTER_KEY, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: self._runner.run(_finished(method(*args, **kwargs)))

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


async def _finished(result: Any) -> Any:
    return [item async for item in result] if hasattr(result, "__aiter__") else await result


class Faulty(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Counts the requests. The answers to the first `lost` of them arrive at the server and get lost."""

    def __init__(self, *, lost: int = 0, answer: httpx.Response | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._lost = lost
        self._answer = answer
        self._sync = httpx.HTTPTransport()
        self._async = httpx.AsyncHTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._answer is not None:
            return self._answer
        response = self._sync.handle_request(request)
        if len(self.requests) <= self._lost:
            response.read()
            raise httpx.ReadError("the answer is lost", request=request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._answer is not None:
            return self._answer
        response = await self._async.handle_async_request(request)
        if len(self.requests) <= self._lost:
            await response.aread()
            raise httpx.ReadError("the answer is lost", request=request)
        return response

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()


def synchronous(**options: Any) -> FlowplateClient:
    return FlowplateClient(SERVER, MASTER_KEY, **options)
