"""What is generated is current, and what the documents name exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from starrylab.cli.commands import COMMANDS
from tools import syscall_table

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def test_the_table_of_system_calls_is_current() -> None:
    assert syscall_table.TARGET.read_text() == syscall_table.render(), (
        "run: .venv/bin/python tools/syscall_table.py"
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_architecture_names_what_there_is() -> None:
    """Paths like `a/b.py` and `a/` are below the root, the package or the kernel."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for name in re.findall(r"`([\w./]+(?:\.py|/))`", text):
        places = (ROOT, ROOT / "starrylab", ROOT / "starrylab" / "kernel")
        assert any((place / name).exists() for place in places), name


def test_architecture_names_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for path in (ROOT / "starrylab").iterdir():
        if (path / "__init__.py").exists():
            assert f"`{path.name}/`" in text, path.name


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.split(r"[<>=~\[ ]", line)[0] for line in declared]
    assert [name for name in names if name not in text] == []


def test_the_readme_knows_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"starrylab {name}" not in text] == []
