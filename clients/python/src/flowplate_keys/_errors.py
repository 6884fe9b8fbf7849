"""Errors of the client. None of them has a secret in it."""

from typing import Any


class FlowplateError(Exception):
    """Base of the client's errors."""


class FlowplateApiError(FlowplateError):
    """A refusal by the API. Decide by ``code``, and expect new codes.

    ``UNEXPECTED_ANSWER``: not from Flowplate, or in an unknown form. ``trace_id`` is the id of the
    request in Flowplate's log.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        trace_id: str | None = None,
        details: Any = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.trace_id = trace_id
        self.details = {} if details is None else details
        self.retry_after_seconds = retry_after_seconds


class FlowplateUnreachableError(FlowplateError):
    """No answer. A change may have been carried out or not."""
