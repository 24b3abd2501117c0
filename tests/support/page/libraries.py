"""The libraries of the page: one list, the files as their makers published them, checksums.

`python -m tests.support.page.libraries update` fetches the listed versions with npm and writes the
files and their checksums; to update a library, change its version in the list first. `packages`
prints what the type check and the browser tests need from npm. The list is
`static/lib/libraries.json`.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parents[3] / "order-gateway/src/order_gateway/page/static"
FOLDER = STATIC / "lib"
LIST = FOLDER / "libraries.json"
FETCH_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """One file of a library, as the page serves it."""

    package: str
    version: str
    path: Path
    module: str | None
    sha256: str


def read_list() -> list[dict[str, Any]]:
    """The libraries as the list has them."""
    libraries: list[dict[str, Any]] = json.loads(LIST.read_text("utf-8"))["libraries"]
    return libraries


def read_tools() -> dict[str, str]:
    """Versions of the npm packages that only checks and tests use."""
    tools: dict[str, str] = json.loads(LIST.read_text("utf-8"))["tools"]
    return tools


def packages() -> list[str]:
    """Every npm package with its version: tools, and the libraries for their types."""
    tools = [f"{name}@{version}" for name, version in read_tools().items()]
    return tools + [f"{library['package']}@{library['version']}" for library in read_list()]


def library_files() -> Iterator[LibraryFile]:
    """Every file of every library, licences included."""
    for library in read_list():
        for file in library["files"]:
            yield LibraryFile(
                library["package"],
                library["version"],
                FOLDER / file["file"],
                file.get("module"),
                file["sha256"],
            )


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def licence_name(package: str) -> str:
    """Where the licence text of a package stands, relative to the folder of the libraries."""
    return f"licences/{package.removeprefix('@').replace('/', '-')}.txt"


def update() -> None:
    """Fetch every listed version and write its files, its licence and the checksums."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to fetch the libraries of the page; install Node.js")
    libraries = read_list()
    for library in libraries:
        licence = {"published": "LICENSE", "file": licence_name(library["package"])}
        kept = [file for file in library["files"] if file["published"] != "LICENSE"]
        library["files"] = [*kept, licence]
        with tempfile.TemporaryDirectory() as folder:
            _fetch(npm, f"{library['package']}@{library['version']}", Path(folder), library)
    LIST.write_text(_render(libraries), "utf-8")


def _fetch(npm: str, wanted: str, folder: Path, library: dict[str, Any]) -> None:
    subprocess.run(
        [npm, "pack", "--silent", wanted], cwd=folder, check=True, timeout=FETCH_TIMEOUT_S
    )
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:
        package = _read(tar, "package.json")
        if json.loads(package)["license"] != library["licence"]:
            sys.exit(f"{wanted} is not under {library['licence']} any more; look at its licence")
        for file in library["files"]:
            path = FOLDER / file["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_read(tar, file["published"]))
            file["sha256"] = digest(path)


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(f"package/{name}")
    if member is None:
        sys.exit(f"the package has no file {name}")
    return member.read()


def _render(libraries: list[dict[str, Any]]) -> str:
    """The list with one file a line, so that a difference is easy to read."""
    blocks = []
    for library in libraries:
        head = {name: value for name, value in library.items() if name != "files"}
        files = ",\n".join(f"      {json.dumps(file)}" for file in library["files"])
        blocks.append(f'    {json.dumps(head)[:-1]}, "files": [\n{files}]}}')
    tools = json.dumps(read_tools())
    return f'{{\n  "tools": {tools},\n  "libraries": [\n' + ",\n".join(blocks) + "\n  ]\n}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        update()
    elif sys.argv[1:] == ["packages"]:
        sys.stdout.write("\n".join(packages()) + "\n")
    else:
        sys.exit("say update or packages")
