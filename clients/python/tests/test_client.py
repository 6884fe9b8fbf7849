"""Both clients against a real broker."""

import unittest
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from clients import MASTER_KEY, Blocking, Faulty, synchronous

from flowplate_keys import FlowplateApiError, FlowplateUnreachableError


class Calls:
    """The guarantees, for whichever client `open` makes."""

    open: Callable[..., Any]

    def setUp(self) -> None:
        self.user = f"usr_{uuid4().hex}"
        self.owner = {"user_id": self.user, "organization_id": "org_python"}
        self.client = self.make()

    def make(self, **options: Any) -> Any:
        client = type(self).open(**options)
        self.addCleanup(client.close)
        return client

    def refused(self, call: Callable[[], Any]) -> FlowplateApiError:
        with self.assertRaises(FlowplateApiError) as caught:
            call()
        return caught.exception

    def test_a_key_lives_from_its_mint_to_its_revoke(self) -> None:
        minted = self.client.mint(**self.owner, scopes=["read"], metadata={"plan": "gold"})
        verdict = self.client.verify(key=minted["key"], scopes=["read"])
        self.assertEqual((verdict["valid"], verdict["code"], verdict["user_id"]), (True, "VALID", self.user))
        self.assertEqual(verdict["metadata"], {"plan": "gold"})

        refreshed = self.client.refresh(self.user, "org_python", grace_period_seconds=600)
        key, old = refreshed["new_key"]["key"], minted["key"]
        verdicts = self.client.verify_batch([{"key": key}, {"key": old}, {"key": "x"}])
        self.assertEqual([one["code"] for one in verdicts], ["VALID", "SUPERSEDED", "MALFORMED"])

        key_id = refreshed["new_key"]["key_id"]
        self.assertEqual(self.client.update(key_id, name="cron")["name"], "cron")
        self.assertEqual(self.client.get(key_id)["name"], "cron")
        self.assertEqual(self.client.introspect(key)["sub"], self.user)
        self.assertEqual(self.client.usage(key_id, from_="2026-01-01", granularity="day")["key_id"], key_id)

        revoked = self.client.revoke(key_id)
        self.assertEqual((revoked["success"], revoked["propagation"]), (True, "complete"))
        self.assertEqual(self.client.verify(key=key)["code"], "REVOKED")

    def test_keys_are_listed_over_all_pages(self) -> None:
        minted = [self.client.mint(user_id=self.user, organization_id=f"org_{n}")["key_id"] for n in range(3)]
        listed = [key["key_id"] for key in self.client.list(user_id=self.user, limit=1)]
        self.assertEqual(listed, minted[::-1])
        self.assertEqual(self.client.revoke_owner(self.user, "org_0")["revoked_count"], 1)
        self.assertEqual(self.client.revoke_user(self.user)["revoked_count"], 2)

    def test_a_refusal_has_code_details_and_trace_id_and_no_secret(self) -> None:
        minted = self.client.mint(**self.owner)
        error = self.refused(lambda: self.client.mint(**self.owner))
        self.assertEqual((error.code, error.status), ("KEY_ALREADY_EXISTS", 409))
        self.assertEqual(error.details["key_id"], minted["key_id"])
        self.assertRegex(str(error.trace_id), "^req_")
        for secret in (minted["key"], MASTER_KEY):
            self.assertNotIn(secret, f"{error!r} {vars(error)!r} {self.client!r}")

    def test_a_mint_whose_answer_was_lost_makes_one_key(self) -> None:
        transport = Faulty(lost=2)
        minted = self.make(transport=transport).mint(**self.owner)
        self.assertEqual(len(transport.requests), 3)
        self.assertEqual(len({request.headers["idempotency-key"] for request in transport.requests}), 1)
        self.assertEqual([key["key_id"] for key in self.client.list(user_id=self.user)], [minted["key_id"]])

    def test_a_verification_a_revoke_and_a_change_are_sent_once(self) -> None:
        minted = self.client.mint(**self.owner)
        for call in (
            lambda client: client.verify(key=minted["key"]),
            lambda client: client.update(minted["key_id"], name="x"),
            lambda client: client.revoke(minted["key_id"]),
        ):
            transport = Faulty(lost=1)
            with self.assertRaises(FlowplateUnreachableError):
                call(self.make(transport=transport))
            self.assertEqual(len(transport.requests), 1)

    def test_a_key_with_a_wrong_checksum_is_refused_without_a_request(self) -> None:
        minted = self.client.mint(**self.owner)
        transport = Faulty()
        client = self.make(transport=transport)
        wrong = minted["key"][:-1] + ("a" if minted["key"][-1] != "a" else "b")
        for text in (wrong, "", "x", "é", MASTER_KEY):
            self.assertEqual(client.verify(key=text), {"valid": False, "code": "MALFORMED"})
        self.assertEqual(transport.requests, [])
        self.assertEqual(self.client.verify_batch([{"key": wrong}])[0]["code"], "MALFORMED")

    def test_an_answer_that_is_no_verdict_lets_nobody_in(self) -> None:
        key = self.client.mint(**self.owner)["key"]
        for body in ({"valid": "true", "code": "VALID"}, {"valid": True, "code": "VALID"}, [], {"ok": True}):
            client = self.make(transport=Faulty(answer=httpx.Response(200, json=body)))
            self.assertEqual(self.refused(lambda: client.verify(key=key)).code, "UNEXPECTED_ANSWER")
        page = httpx.Response(200, text=f"<p>Log in first {MASTER_KEY}")
        error = self.refused(lambda: self.make(transport=Faulty(answer=page)).verify(key=key))
        self.assertEqual(error.code, "UNEXPECTED_ANSWER")
        self.assertNotIn(MASTER_KEY, repr(error))

    def test_a_redirect_is_not_followed(self) -> None:
        transport = Faulty(answer=httpx.Response(307, headers={"location": "http://127.0.0.1:1/"}))
        self.assertEqual(self.refused(lambda: self.make(transport=transport).get("flk_1")).status, 307)
        self.assertEqual(len(transport.requests), 1)

    def test_an_id_that_would_make_another_path_sends_nothing(self) -> None:
        transport = Faulty()
        client = self.make(transport=transport)
        for key_id in ("", ".", "..", "user", "Verify"):
            self.assertEqual(self.refused(lambda key_id=key_id: client.revoke(key_id)).code, "VALIDATION_ERROR")
            self.assertEqual(
                self.refused(lambda key_id=key_id: client.revoke_owner(key_id, "org")).code, "VALIDATION_ERROR"
            )
        with self.assertRaises(ValueError):
            client.mint(**self.owner, metadata={"x": float("nan")})
        self.assertEqual(transport.requests, [])
        self.assertEqual(self.refused(lambda: self.client.get("a/../b")).status, 422)


class Synchronous(Calls, unittest.TestCase):
    open = staticmethod(synchronous)


class Asynchronous(Calls, unittest.TestCase):
    open = Blocking
