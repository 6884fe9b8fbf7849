"""The calls of the API as values: shared by both clients, which only send them."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx

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
    UsageRange,
    Verdict,
    VerifyRequest,
)
from ._errors import FlowplateApiError, FlowplateError, FlowplateUnreachableError
from ._key_format import is_verifiable

KEYS_PATH = "/v1/flowplate/api-keys"
_RESERVED_WORDS = {"batch", "bootstrap", "usage", "user", "verify"}
_FIRST_PAUSE_SECONDS = 0.1
_PAUSE_SECONDS_MAX = 5.0


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request and the type of its answer. ``is_repeatable``: a second one does no harm."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: object = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = False


def mint(request: MintRequest, idempotency_key: str | None) -> Call[MintedKey]:
    return Call("POST", KEYS_PATH, body=request, headers=_idempotent(idempotency_key), is_repeatable=True)


def refresh(owner: str, request: RefreshRequest, idempotency_key: str | None) -> Call[Refreshed]:
    headers = _idempotent(idempotency_key)
    return Call("POST", f"{owner}/refresh", body=request, headers=headers, is_repeatable=True)


def _idempotent(key: str | None) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4())}


def revoke(path: str, environment: str | None = None) -> Call[Revoked]:
    return Call("DELETE", path, query={"environment": environment})


def get(key_id: str) -> Call[Key]:
    return Call("GET", key_path(key_id), is_repeatable=True)


def page(query: Mapping[str, Any]) -> Call[KeyPage]:
    return Call("GET", KEYS_PATH, query=query, is_repeatable=True)


def update(key_id: str, changes: KeyChanges) -> Call[UpdatedKey]:
    return Call("PATCH", key_path(key_id), body=changes)


def usage(key_id: str, period: UsageRange) -> Call[KeyUsage]:
    query = {name.rstrip("_"): value for name, value in period.items()}
    return Call("GET", f"{key_path(key_id)}/usage", query=query, is_repeatable=True)


def verify(request: VerifyRequest) -> Call[object]:
    return Call("POST", f"{KEYS_PATH}/verify", body=request)


def verify_batch(requests: Sequence[VerifyRequest]) -> Call[object]:
    return Call("POST", f"{KEYS_PATH}/verify/batch", body={"keys": [*requests]})


def introspect(token: str) -> Call[Introspection]:
    return Call("POST", "/v1/flowplate/introspect", form={"token": token})


def key_path(key_id: str) -> str:
    return f"{KEYS_PATH}/{_segment('key_id', key_id)}"


def user_path(user_id: str) -> str:
    return f"{KEYS_PATH}/user/{_segment('user_id', user_id)}"


def owner_path(user_id: str, organization_id: str) -> str:
    user = _segment("user_id", user_id)
    return f"{KEYS_PATH}/{user}/{_segment('organization_id', organization_id)}"


def _segment(name: str, text: str) -> str:
    """Refuses an id that would make the path that of another call, and sends nothing."""
    if text in ("", ".", "..") or text.lower() in _RESERVED_WORDS:
        message = f"{name}: must not be empty, a dot, two dots or a reserved word"
        raise FlowplateApiError("VALIDATION_ERROR", 422, message, details=[{"path": name, "message": message}])
    return quote(text, safe="")


def to_request(base_url: str, master_key: str, call: Call[Any]) -> dict[str, Any]:
    """The arguments of httpx. Numbers that JSON does not have are a ``ValueError``."""
    headers = {"accept": "application/json", "x-flowplate-master-key": master_key, **call.headers}
    content = None
    if call.form is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
        content = urlencode(call.form).encode()
    elif call.body is not None:
        headers["content-type"] = "application/json"
        content = json.dumps(call.body, allow_nan=False).encode()
    query = {name: value for name, value in call.query.items() if value is not None}
    url = base_url.rstrip("/") + call.path + (f"?{urlencode(query, doseq=True)}" if query else "")
    # A redirect would send the credential to another address.
    return {"method": call.method, "url": url, "headers": headers, "content": content, "follow_redirects": False}


def to_answer(response: httpx.Response) -> Any:
    """The parsed body of a success; everything else is raised. Copies nothing that is not ours."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and body is not None:
        return body
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        error = {"code": "UNEXPECTED_ANSWER"}
    retry_after = response.headers.get("retry-after", "")
    raise FlowplateApiError(
        error["code"],
        response.status_code,
        str(error.get("system_message", f"status {response.status_code}")),
        trace_id=error.get("trace_id") or response.headers.get("x-request-id"),
        details=error.get("details"),
        retry_after_seconds=int(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else None,
    )


def unreachable(cause: httpx.RequestError) -> FlowplateUnreachableError:
    in_time = "did not answer in time" if isinstance(cause, httpx.TimeoutException) else "could not be reached"
    return FlowplateUnreachableError(f"Flowplate {in_time}")


def pause_before(call: Call[Any], error: FlowplateError, repetitions: int, repetitions_max: int) -> float | None:
    """Seconds until the next attempt. None when there is none."""
    if not call.is_repeatable or repetitions >= repetitions_max or not _may_pass(error):
        return None
    told = error.retry_after_seconds or 0 if isinstance(error, FlowplateApiError) else 0
    pause: float = max(told, _FIRST_PAUSE_SECONDS * 2**repetitions) * (1 + random.random() / 4)
    return min(pause, _PAUSE_SECONDS_MAX)


def _may_pass(error: FlowplateError) -> bool:
    if not isinstance(error, FlowplateApiError):
        return True
    if error.code == "IDEMPOTENCY_IN_PROGRESS":
        return True
    return error.status == 503 and error.retry_after_seconds is not None


def refused_here(request: VerifyRequest) -> Verdict | None:
    """What the broker would refuse without any I/O is refused here, without a request."""
    return None if is_verifiable(request["key"]) else {"valid": False, "code": "MALFORMED"}


def to_verdict(body: Any) -> Verdict:
    """A 200 of another service, such as a captive portal, lets nobody in."""
    if not _is_verdict(body):
        raise _no_verdict()
    verdict: Verdict = body
    return verdict


def to_verdicts(body: Any, count: int) -> list[Verdict]:
    """One for each request, in their order: with one fewer, each caller would get another one's."""
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or len(results) != count:
        raise _no_verdict()
    return [to_verdict(result) for result in results]


def _is_verdict(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        return False
    if body.get("valid") is False:
        return True
    identity = ("key_id", "user_id", "organization_id", "environment")
    has_identity = all(isinstance(body.get(name), str) for name in identity)
    return body.get("valid") is True and has_identity and isinstance(body.get("scopes"), list)


def _no_verdict() -> FlowplateApiError:
    return FlowplateApiError("UNEXPECTED_ANSWER", 200, "the answer is no verdict")
