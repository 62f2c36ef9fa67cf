"""What a run made by link, directory and download is taken back by a rollback, as far as it says."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.downloads import file_server
from tests.integration.project import Project


def test_taken_back(tmp_path: Path) -> None:
    project, place = Project(tmp_path), tmp_path / "place"
    (place / "there").mkdir(parents=True, mode=0o700)
    (place / "current").symlink_to("releases/1")
    (place / "old").write_text("old\n")
    with file_server(b"new\n") as server:
        source = {"url": server.url, "sha256": hashlib.sha256(b"new\n").hexdigest()}
        project.state(
            {
                "current": {"link": {"path": f"{place}/current", "target": "releases/2"}},
                "other": {"link": {"path": f"{place}/other", "target": "/nowhere"}},
                "there": {"directory": {"path": f"{place}/there", "mode": "0755"}},
                "made": {"directory": {"path": f"{place}/made"}},
                "new": {"download": {"path": f"{place}/made/new", **source}},
                "old": {"download": {"path": f"{place}/old", **source}},
            }
        )
        assert project.run("apply").code == 0
        done = project.run("engine", "rollback", project.runs()[0], "-y", state="")
    # One thing cannot be had again, and that is said.
    assert done.code == 1
    assert "is not kept, for it may be large" in done.out + done.err
    assert {path.name for path in place.iterdir()} == {"there", "current", "old"}
    assert (place / "current").readlink() == Path("releases/1")
    assert (place / "there").stat().st_mode & 0o777 == 0o700
    assert (place / "old").read_text() == "new\n"
