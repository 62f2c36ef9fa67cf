"""The contract suite over file-sync, one for each form."""

from __future__ import annotations

from engine.kinds.file_sync import FileSync
from engine.kit.testing import contract_suite

TestContent = contract_suite(
    FileSync,
    {"path": "{place}/file", "content": "some text\n", "mode": "0640"},
    other={"content": "another text\n", "mode": "0600"},
    odd=["content"],
)
TestFirstLine = contract_suite(
    FileSync,
    {"path": "{place}/file", "first_line": "a line"},
    other={"first_line": "another line"},
    odd=["first_line"],
)
TestDotenv = contract_suite(
    FileSync,
    {"path": "{place}/.env", "dotenv": {"PORT": "8080", "HOST": "here"}},
    other={"dotenv": {"PORT": "8081"}},
)
TestDirectory = contract_suite(
    FileSync,
    {"path": "{place}/directory", "state": "directory", "mode": "0750"},
    other={"mode": "0700"},
    obstacle="file",
)
TestTemplate = contract_suite(FileSync, {"path": "{place}/file", "template": "text\n", "backup": 2}, odd=["template"])
