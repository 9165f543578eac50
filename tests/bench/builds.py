"""An older build beside this one, so that both are measured in one run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import io
from pathlib import Path
import subprocess
import tarfile
import tempfile

REPOSITORY = Path(__file__).parents[2]
THIS = "this build"


@dataclass(frozen=True, slots=True)
class Build:
    """A build of the integration: what it is called, and where it lies."""

    name: str
    root: Path

    @property
    def integration(self) -> Path:
        """The integration's own folder."""
        return self.root / "custom_components" / "whatsapp_presence"


@contextmanager
def builds(against: str | None) -> Iterator[list[Build]]:
    """Yield this build, and the one of an older commit if there is to be one.

    The older one lies in a folder that is gone afterwards. Raises CalledProcessError if
    there is no such commit.
    """
    found = [Build(THIS, REPOSITORY)]
    if against is None:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="bench-build-") as folder:
        archive = subprocess.run(
            ["git", "archive", against, "custom_components"],
            cwd=REPOSITORY,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        yield [*found, Build(against, Path(folder))]
