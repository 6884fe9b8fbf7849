"""Types of the API's JSON. Generated from the API document by scripts/generate.ts."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class VerdictRateLimit(TypedDict):
    limit: int
    remaining: int | None
    reset_at: str | None
    enforced: bool | Literal["local"]
    window_seconds: int


class VerdictQuota(TypedDict):
    limit: int
    remaining: int | None
    reset_at: str | None
    enforced: bool | Literal["local"]
    period: str


class VerdictCheck(TypedDict):
    check: Literal["MALFORMED", "NOT_FOUND", "REVOKED", "DISABLED", "QUARANTINED", "EXPIRED", "ORGANIZATION_SUSPENDED", "ENVIRONMENT_MISMATCH", "ORGANIZATION_MISMATCH", "IP_NOT_ALLOWED", "INSUFFICIENT_SCOPE", "RATE_LIMITED", "QUOTA_EXCEEDED"] | str
    result: Literal["passed", "failed", "not_reached"]
    asked: Any
    has: Any


class Verdict(TypedDict):
    valid: bool
    code: Literal["MALFORMED", "NOT_FOUND", "REVOKED", "DISABLED", "QUARANTINED", "EXPIRED", "ORGANIZATION_SUSPENDED", "ENVIRONMENT_MISMATCH", "ORGANIZATION_MISMATCH", "IP_NOT_ALLOWED", "INSUFFICIENT_SCOPE", "RATE_LIMITED", "QUOTA_EXCEEDED", "SUPERSEDED", "VALID"] | str
    key_id: NotRequired[str]
    user_id: NotRequired[str]
    organization_id: NotRequired[str]
    environment: NotRequired[str]
    scopes: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    expires_at: NotRequired[str | None]
    superseded_by: NotRequired[str]
    superseded_at: NotRequired[str]
    superseded_until: NotRequired[str]
    rate_limit: NotRequired[VerdictRateLimit]
    quota: NotRequired[VerdictQuota]
    checks: NotRequired[list[VerdictCheck]]


class VerifyRequest(TypedDict):
    key: str
    scopes: NotRequired[list[str]]
    organization_id: NotRequired[str]
    environment: NotRequired[str]
    ip: NotRequired[str]
    cost: NotRequired[int]
    explain: NotRequired[bool]


class MintRequestRateLimit(TypedDict):
    limit: int
    window_seconds: int
    on_unavailable: NotRequired[Literal["local", "deny", "allow"]]


class MintRequestQuota(TypedDict):
    limit: int
    period: Literal["day", "month"]
    on_unavailable: NotRequired[Literal["local", "deny", "allow"]]


class MintRequest(TypedDict):
    user_id: str
    organization_id: str
    environment: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]
    name: NotRequired[str]
    scopes: NotRequired[list[str]]
    rate_limit: NotRequired[MintRequestRateLimit]
    quota: NotRequired[MintRequestQuota]
    ip_allowlist: NotRequired[list[str]]
    expires_at: NotRequired[str]
    ttl_seconds: NotRequired[int]
    canary: NotRequired[bool]


class MintedKey(TypedDict):
    key: str
    key_id: str
    key_prefix: str
    user_id: str
    organization_id: str
    created_at: str
    environment: NotRequired[str]
    name: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    scopes: NotRequired[list[str]]
    expires_at: NotRequired[str | None]
    rate_limit: NotRequired[MintRequestRateLimit | None]
    quota: NotRequired[MintRequestQuota | None]
    ip_allowlist: NotRequired[list[str] | None]


class RefreshRequest(TypedDict):
    grace_period_seconds: NotRequired[int]
    activate: NotRequired[Literal["immediately", "on_first_use"]]
    expires_at: NotRequired[str]
    ttl_seconds: NotRequired[int]
    environment: NotRequired[str]


class RefreshedNewKey(TypedDict):
    key: str
    key_id: str
    key_prefix: str
    user_id: str
    organization_id: str
    created_at: str
    expires_at: NotRequired[str]


class RefreshedWaiting(TypedDict):
    previous_key_id: str
    grace_period_seconds: int
    previous_until: str


class RefreshedPropagationDetailHeldUpBy(TypedDict):
    verifier_id: str
    master_key_id: str | None


class RefreshedPropagationDetail(TypedDict):
    acknowledged: int
    total: int
    waited_ms: int
    effective_by: str
    held_up_by: NotRequired[list[RefreshedPropagationDetailHeldUpBy]]


class Refreshed(TypedDict):
    success: Literal[True]
    message: str
    new_key: RefreshedNewKey
    waiting: NotRequired[RefreshedWaiting]
    propagation: Literal["complete", "pending"]
    propagation_detail: RefreshedPropagationDetail


class Revoked(TypedDict):
    success: Literal[True]
    message: str
    revoked_count: int
    propagation: Literal["complete", "pending"]
    propagation_detail: RefreshedPropagationDetail


class KeyUsageValue(TypedDict):
    total_requests: int
    refused_requests: int
    requests_today: int
    first_used_at: str | None
    last_used_at: str | None
    last_reset: str


class Key(TypedDict):
    key_id: str
    key_prefix: str
    user_id: str
    organization_id: str
    environment: str
    minted_by: str | None
    name: str | None
    metadata: dict[str, Any]
    scopes: list[str]
    expires_at: str | None
    rate_limit: MintRequestRateLimit | None
    quota: MintRequestQuota | None
    ip_allowlist: list[str] | None
    enabled: bool
    status: Literal["active", "disabled", "waiting", "superseded", "quarantined", "revoked", "expired"]
    activated_at: str | None
    superseded_until: str | None
    quarantined_until: str | None
    revoked_at: str | None
    revoked_reason: Literal["unspecified", "key_compromise", "superseded", "owner_left", "privilege_withdrawn", "policy"] | None
    created_at: str
    updated_at: str
    usage: KeyUsageValue


class KeyFilter(TypedDict):
    user_id: NotRequired[str]
    organization_id: NotRequired[str]
    environment: NotRequired[str]
    minted_by: NotRequired[str]
    created_before: NotRequired[str]
    created_after: NotRequired[str]
    unused_since: NotRequired[str]
    scope: NotRequired[str]
    never_used: NotRequired[Literal["true", "false"]]
    expires_before: NotRequired[str]
    prefix: NotRequired[str]
    status: NotRequired[Literal["active", "disabled", "superseded", "quarantined", "revoked", "expired"]]
    limit: NotRequired[int]


class KeyPage(TypedDict):
    data: list[Key]
    next_cursor: str | None


class KeyChanges(TypedDict):
    name: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    scopes: NotRequired[list[str]]
    expires_at: NotRequired[str | None]
    rate_limit: NotRequired[MintRequestRateLimit | None]
    quota: NotRequired[MintRequestQuota | None]
    ip_allowlist: NotRequired[list[str] | None]
    enabled: NotRequired[bool]


class UpdatedKey(TypedDict):
    key_id: str
    key_prefix: str
    user_id: str
    organization_id: str
    environment: str
    minted_by: str | None
    name: str | None
    metadata: dict[str, Any]
    scopes: list[str]
    expires_at: str | None
    rate_limit: MintRequestRateLimit | None
    quota: MintRequestQuota | None
    ip_allowlist: list[str] | None
    enabled: bool
    status: Literal["active", "disabled", "waiting", "superseded", "quarantined", "revoked", "expired"]
    activated_at: str | None
    superseded_until: str | None
    quarantined_until: str | None
    revoked_at: str | None
    revoked_reason: Literal["unspecified", "key_compromise", "superseded", "owner_left", "privilege_withdrawn", "policy"] | None
    created_at: str
    updated_at: str
    usage: KeyUsageValue
    propagation: Literal["complete", "pending"]
    propagation_detail: RefreshedPropagationDetail


class UsageRange(TypedDict):
    from_: NotRequired[str]
    to: NotRequired[str]
    granularity: NotRequired[Literal["hour", "day"]]


class KeyUsageData(TypedDict):
    start: str
    requests: int
    refused: int
    cost: int
    refusals: dict[str, Any]


class KeyUsageTotals(TypedDict):
    requests: int
    refused: int
    cost: int
    refusals: dict[str, Any]


KeyUsage = TypedDict(
    "KeyUsage",
    {
        "key_id": str,
        "granularity": Literal["hour", "day"],
        "from": str,
        "to": str,
        "data": list[KeyUsageData],
        "totals": KeyUsageTotals,
    },
)


class Introspection(TypedDict):
    active: bool
    scope: NotRequired[str]
    sub: NotRequired[str]
    exp: NotRequired[int]
    token_type: NotRequired[str]
    key_id: NotRequired[str]
    organization_id: NotRequired[str]
    environment: NotRequired[str]
