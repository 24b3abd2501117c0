"""Gives MkDocs the pages of the whole repository, and the files that they link to.

The documents link to each other by their paths in the repository, so that they can be read there
too. MkDocs alone knows one folder (`docs_dir`).
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # `mkdocs` loads this file by its path

from mkdocs.structure.files import File, Files  # noqa: E402

from tests.support.house.documents import links, site_documents  # noqa: E402


def linked_files() -> set[Path]:
    """Files of the repository, other than pages, that a page shows or links to."""
    targets = {
        (page.parent / target).resolve() for page in site_documents() for target, _ in links(page)
    }
    targets |= set((ROOT / "docs" / "images").iterdir())  # HTML names pictures too
    return {path for path in targets if path.is_file()} - set(site_documents())


def on_files(files: Files, *, config: Any) -> Files:
    """Keep the files of the theme; add the pages and what they link to."""
    theme = [
        file for file in files if not Path(str(file.abs_src_path)).is_relative_to(config.docs_dir)
    ]
    own = [
        File(
            path.relative_to(ROOT).as_posix(),
            str(ROOT),
            config.site_dir,
            config.use_directory_urls,
        )
        for path in (*site_documents(), *sorted(linked_files()))
    ]
    return Files([*theme, *own])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Write `|` for `\\|` in code: GitHub needs the backslash there, Python-Markdown shows it."""
    lines = []
    for line in markdown.split("\n"):
        pieces = line.split("`")
        pieces[1::2] = [code.replace("\\|", "|") for code in pieces[1::2]]
        lines.append("`".join(pieces))
    return "\n".join(lines)
