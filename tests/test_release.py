"""Releases: the changelog, the script that makes one, and the workflow that publishes it."""

from pathlib import Path
import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from .test_packaging import INTEGRATION, ROOT, read_json

MANIFEST: Final = Path("custom_components/whatsapp_presence/manifest.json")
CHANGELOG: Final = """\
# Changelog

## Unreleased

## 1.2.0

* Shows more.

  And tells why.

## 1.1.0

* Shows something.
"""
WORKFLOWS: Final = {
    path.stem: yaml.safe_load(path.read_text("utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}


class Repository:
    """A repository of its own with what a release is made of."""

    def __init__(self, root: Path) -> None:
        """Make it, on main, with a version that is released."""
        self.root = root
        for name in ("scripts/release", "scripts/lib.sh", MANIFEST):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        self.write(MANIFEST, re.sub(r'"\d+\.\d+\.\d+"', '"1.1.0"', self.manifest))
        self.write("CHANGELOG.md", CHANGELOG)
        # CI looks at what would be released.
        self.write(".ci/run", f"#!/bin/sh\ncp {MANIFEST} ../seen.json\n")
        (root / ".ci/run").chmod(0o755)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        self.git("tag", "v1.1.0")

    @property
    def manifest(self) -> str:
        """The manifest as it is."""
        return (self.root / MANIFEST).read_text("utf-8")

    def write(self, name: str | Path, text: str) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def git(self, *arguments: str) -> str:
        """Run git, and return what it prints."""
        me = ("-c", "user.name=Me", "-c", "user.email=me@example.com")
        done = subprocess.run(
            ["git", *me, "-C", self.root, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self) -> None:
        """Commit all that there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change something")

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        for key, value in (("user.name", "Me"), ("user.email", "me@example.com")):
            self.git("config", key, value)
        return subprocess.run(
            [self.root / "scripts/release", *arguments],
            check=False,
            capture_output=True,
            text=True,
        )

    def state(self) -> tuple[str, str, str, str]:
        """Return all that a release changes."""
        return (
            self.git("rev-parse", "HEAD"),
            self.git("tag", "--list"),
            self.git("status", "--porcelain"),
            self.manifest,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository in which 1.2.0 can be released."""
    return Repository(tmp_path / "repository")


def test_a_release_is_a_commit_and_a_tag(repository: Repository) -> None:
    """With the version in the manifest, as CI has seen it, and the notes in the tag."""
    done = repository.release("1.2.0")
    assert done.returncode == 0, done.stderr
    assert read_json(repository.root / MANIFEST)["version"] == "1.2.0"
    assert (repository.root.parent / "seen.json").read_text() == repository.manifest
    assert repository.git("log", "-1", "--format=%s") == "Release 1.2.0"
    assert repository.git("diff", "--name-only", "HEAD~1") == MANIFEST.as_posix()
    assert repository.git("rev-parse", "v1.2.0^{commit}", "HEAD").split("\n") == (
        [repository.git("rev-parse", "HEAD")] * 2
    )
    told = repository.git("tag", "--list", "--format=%(contents)", "v1.2.0")
    assert told == "1.2.0\n\n* Shows more.\n\n  And tells why."
    assert repository.git("status", "--porcelain") == ""
    assert "git push --atomic" in done.stderr
    assert "main v1.2.0" in done.stderr


def test_the_first_release_finds_its_version_there(repository: Repository) -> None:
    """Then the tag is all that is made."""
    repository.git("tag", "--delete", "v1.1.0")
    repository.write("CHANGELOG.md", CHANGELOG.replace("## 1.2.0", "## Older"))
    repository.commit()
    head = repository.git("rev-parse", "HEAD")
    assert repository.release("1.1.0").returncode == 0
    assert repository.git("rev-parse", "v1.1.0^{commit}") == head


def test_a_dry_run_changes_nothing(repository: Repository) -> None:
    """It tells what would be done, and does not run CI."""
    before = repository.state()
    done = repository.release("--dry-run", "1.2.0")
    assert done.returncode == 0
    assert "v1.2.0" in done.stderr
    assert "Shows more." in done.stdout
    assert repository.state() == before
    assert not (repository.root.parent / "seen.json").exists()


def test_what_is_not_green_is_not_released(repository: Repository) -> None:
    """All is as it was."""
    repository.write(".ci/run", "#!/bin/sh\nexit 1\n")
    repository.commit()
    before = repository.state()
    done = repository.release("1.2.0")
    assert done.returncode == 1
    assert "not all is green" in done.stderr
    assert repository.state() == before


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["release", "dry-run"])
@pytest.mark.parametrize(
    ("version", "changes", "said"),
    [
        ("v1.2.0", {}, "is not a version"),
        ("1.2", {}, "is not a version"),
        ("", {}, "is not a version"),
        ("1.3.0", {}, "says nothing of 1.3.0"),
        ("1.1.0", {}, "there is a tag v1.1.0 already"),
        (
            "1.0.9",
            {"CHANGELOG.md": f"{CHANGELOG}\n## 1.0.9\n\n* Late.\n"},
            "1.0.9 is older than 1.1.0",
        ),
        (
            "1.2.0",
            {"CHANGELOG.md": CHANGELOG.replace("## 1.2.0", "## 2.0.0\n\n## 1.2.0")},
            "1.2.0 is not the newest version",
        ),
        (
            "1.2.0",
            {"CHANGELOG.md": CHANGELOG.replace("ased\n", "ased\n\n* Later.\n")},
            "has something under “Unreleased”",
        ),
    ],
)
def test_what_is_not_ready_is_not_released(
    repository: Repository,
    dry: tuple[str, ...],
    version: str,
    changes: dict[str, str],
    said: str,
) -> None:
    """It says what is missing, and changes nothing."""
    for name, text in changes.items():
        repository.write(name, text)
        repository.commit()
    before = repository.state()
    done = repository.release(*dry, version)
    assert done.returncode == 1
    assert said in done.stderr
    assert repository.state() == before


def test_a_release_is_made_of_what_is_committed_on_main(repository: Repository) -> None:
    """Neither of a branch, nor of what lies about."""
    repository.git("switch", "--quiet", "--create", "other")
    assert "on main" in repository.release("1.2.0").stderr
    repository.git("switch", "--quiet", "main")
    repository.write("new.txt", "new")
    assert "not clean" in repository.release("1.2.0").stderr
    assert repository.git("tag", "--list") == "v1.1.0"


def test_notes_are_the_changelogs(repository: Repository) -> None:
    """Those of one version, without its heading."""
    done = repository.release("--notes", "1.2.0")
    assert done.stdout == "* Shows more.\n\n  And tells why.\n"
    assert repository.release("--notes", "1.1.0").stdout == "* Shows something.\n"
    missing = repository.release("--notes", "1.1")
    assert (missing.returncode, missing.stdout) == (1, "")


def test_the_changelog_has_the_manifests_version() -> None:
    """Below what is not released yet, and the versions fall."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == read_json(INTEGRATION / "manifest.json")["version"]
    versions = [tuple(map(int, one.split("."))) for one in headings[1:]]
    assert versions == sorted(set(versions), reverse=True)


def steps(workflow: str, job: str) -> list[dict[str, Any]]:
    """Return the steps of a workflow's job."""
    found: list[dict[str, Any]] = WORKFLOWS[workflow]["jobs"][job]["steps"]
    return found


def test_the_workflow_releases_what_is_green() -> None:
    """From the tag, after CI, with the changelog's words and the packed integration."""
    release = WORKFLOWS["release"]
    # YAML reads "on" as a boolean.
    assert release[True] == {"push": {"tags": ["v*"]}}
    assert release["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in WORKFLOWS["ci"][True]
    assert release["jobs"]["release"]["needs"] == "ci"
    assert release["permissions"] == {"contents": "read"}
    assert release["jobs"]["release"]["permissions"] == {"contents": "write"}
    (create,) = (
        step["run"]
        for step in steps("release", "release")
        if "gh release create" in step.get("run", "")
    )
    assert "--notes-file" in create
    assert "whatsapp_presence.zip" in create


def test_the_workflows_steps_run(repository: Repository, tmp_path: Path) -> None:
    """Those that need no GitHub: the version's check, the notes, the package."""
    assert repository.release("1.2.0").returncode == 0
    runs = [
        step["run"]
        for step in steps("release", "release")
        if "run" in step and "gh release" not in step["run"]
    ]
    assert len(runs) == 3
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)}
    for tag, code in (("v1.2.0", 0), ("v1.1.9", 1)):
        # jq is GitHub's; here it only has to read one field.
        check = runs[0].replace(
            "jq --raw-output .version", 'sed -n \'s/.*"version": "\\(.*\\)".*/\\1/p\''
        )
        done = subprocess.run(
            ["bash", "-e", "-c", check],
            cwd=repository.root,
            env=environment | {"GITHUB_REF_NAME": tag},
            check=False,
        )
        assert done.returncode == code
    for run in runs[1:]:
        subprocess.run(
            ["bash", "-e", "-c", run],
            cwd=repository.root,
            env=environment | {"GITHUB_REF_NAME": "v1.2.0"},
            check=True,
        )
    assert (tmp_path / "notes.md").read_text() == "* Shows more.\n\n  And tells why.\n"
    shutil.unpack_archive(tmp_path / "whatsapp_presence.zip", tmp_path / "unpacked")
    assert (tmp_path / "unpacked/manifest.json").read_text() == repository.manifest


def test_hacs_and_the_marketplace_take_the_tags_own_archive() -> None:
    """Without zip_release, which would leave them nothing where no release is."""
    hacs = read_json(ROOT / "hacs.json")
    assert "zip_release" not in hacs
    assert "filename" not in hacs


def test_the_workflows_are_checked() -> None:
    """By a pinned actionlint that brings its program along."""
    assert '"$bin/actionlint"' in (ROOT / "scripts" / "lint").read_text("utf-8")
