"""Keys are told from other text by the same vectors as in the broker's own tests."""

import json
import os
import unittest
from pathlib import Path

from flowplate_keys import is_verifiable, parse_key

vectors = json.loads(Path(os.environ["FLOWPLATE_VECTORS"]).read_text())


class KeyFormat(unittest.TestCase):
    def test_keys_are_parsed(self) -> None:
        for vector in vectors["valid"]:
            parsed = parse_key(vector["secret"])
            assert parsed is not None, vector["secret"]
            self.assertEqual(
                (parsed.kind, parsed.environment, parsed.prefix),
                (vector["kind"], vector["environment"], vector["prefix"]),
            )
            self.assertEqual(is_verifiable(vector["secret"]), vector["kind"] != "master")

    def test_other_text_is_no_key(self) -> None:
        self.assertGreater(len(vectors["refused"]), 5)
        for vector in vectors["refused"]:
            self.assertIsNone(parse_key(vector["text"]), vector["why"])
