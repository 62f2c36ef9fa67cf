"""The contract suite over file-sync, one for each form."""

from __future__ import annotations

from engine.kinds.file_sync import FileSync
from engine.kit.testing import contract_suite

GONE = {"path": "{place}/file", "state": "absent"}

TestContent = contract_suite(
    FileSync,
    {"path": "{place}/file", "content": "some text\n", "mode": "0640"},
    other={"content": "another text\n", "mode": "0600"},
    absent=GONE,
    odd=["content"],
)
TestFirstLine = contract_suite(
    FileSync,
    {"path": "{place}/file", "first_line": "a line"},
    other={"first_line": "another line"},
    absent=GONE,
    odd=["first_line"],
)
TestDotenv = contract_suite(
    FileSync,
    {"path": "{place}/.env", "dotenv": {"PORT": "8080", "HOST": "here"}},
    other={"dotenv": {"PORT": "8081"}},
    absent={"path": "{place}/.env", "state": "absent"},
)
TestDirectory = contract_suite(
    FileSync,
    {"path": "{place}/directory", "state": "directory", "mode": "0750"},
    other={"mode": "0700"},
    absent={"path": "{place}/directory", "state": "absent"},
    obstacle="file",
)
TestTemplate = contract_suite(
    FileSync, {"path": "{place}/file", "template": "text\n", "backup": 2}, absent=GONE, odd=["template"]
)
