"""The house rules, checked.

| rule | function in tests/support/house/ | applies to |
|---|---|---|
| modules up to 300 lines, test modules up to 500 | long_modules | Python, Lua, shell, JavaScript |
| functions up to 60 lines | long_functions | Python |
| lines up to 100 characters | long_lines | Python, Lua, shell, JavaScript, Make, Docker, YAML |
| no spaces at the end of a line | trailing_spaces | the same |
| services import only tapewire; tapewire imports no service | crossed_boundaries | source |
| Lua is reached only from tapewire.matching | scripts_elsewhere | source |
| nothing blocks in a coroutine | blocking_in_async | Python |
| tests do not sleep | sleeping_tests | tests |
| Redis is real | redis_stand_ins | Python |
| no binary fractions for prices | floats_in_price_code | source |
| importing connects to nothing | objects_at_import | source |
| no BaseHTTPMiddleware, no on_event | banned_frameworks | source |
| no task without an owner | forgotten_tasks | Python |
| no markers of unfinished work | unfinished_markers | every file |
| no vague file names | vague_names | every file |
| no riddles in place of a subject | riddles | every file |
| public names have docstrings | missing_docstrings | source |
| tests say what holds | undescribed_tests | tests |
| Lua files begin with their contract | lua_without_contract | Lua |
| no machine paths, no registry addresses | machine_paths | every file |
| constraints are bare name==version | unpinned_constraints | constraints.txt |
| the same file names for the same jobs | below | services |

Formatting, lint and types are checked by ruff and mypy (`make check`).
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.house import rules
from tests.support.house.rules import SourceFile
from tests.support.house.wording import riddles

ROOT = Path(__file__).parent.parent
FOLDERS = (
    ".ci", ".github", "benchmarks", "docs", "examples", "market-data", "order-gateway", "shared",
    "tests",
)  # fmt: skip
TEXT_SUFFIXES = {
    "", ".py", ".lua", ".sh", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".csv", ".html",
    ".js", ".css",
}  # fmt: skip
CODE_SUFFIXES = {"", ".py", ".lua", ".sh", ".js", ".yml"}
SAME_NAMES = ("__main__.py", "app.py", "errors.py", "settings.py")

Rule = Callable[[SourceFile], Iterator[str]]
Selection = Callable[[SourceFile], bool]


@cache
def repository() -> tuple[SourceFile, ...]:
    """Every text file that belongs to the project; caches and generated folders are not."""
    # In a git worktree `.git` is a file that names the main checkout.
    found = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = []
    for path in sorted(found):
        relative = path.relative_to(ROOT)
        if "__pycache__" in relative.parts or path.suffix not in TEXT_SUFFIXES:
            continue
        try:
            files.append(SourceFile(relative.as_posix(), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(files)


def every_file(_: SourceFile) -> bool:
    return True


def python(file: SourceFile) -> bool:
    return file.path.endswith(".py")


def source(file: SourceFile) -> bool:
    return python(file) and file.in_source


def suite(file: SourceFile) -> bool:
    return python(file) and file.in_tests


def lua(file: SourceFile) -> bool:
    return file.path.endswith(".lua")


def code(file: SourceFile) -> bool:
    """Files with code; the licence and prose have no limit of line length."""
    return Path(file.path).suffix in CODE_SUFFIXES and file.path != "LICENSE"


def modules(file: SourceFile) -> bool:
    return python(file) or lua(file) or file.path.endswith((".sh", ".js"))


def constraints(file: SourceFile) -> bool:
    return file.path == "constraints.txt"


RULES: list[tuple[Rule, Selection]] = [
    (rules.long_modules, modules),
    (rules.long_functions, python),
    (rules.long_lines, code),
    (rules.trailing_spaces, code),
    (rules.crossed_boundaries, source),
    (rules.scripts_elsewhere, source),
    (rules.blocking_in_async, python),
    (rules.sleeping_tests, suite),
    (rules.redis_stand_ins, python),
    (rules.floats_in_price_code, source),
    (rules.objects_at_import, source),
    (rules.banned_frameworks, source),
    (rules.forgotten_tasks, python),
    (rules.unfinished_markers, every_file),
    (rules.vague_names, every_file),
    (riddles, every_file),
    (rules.missing_docstrings, source),
    (rules.undescribed_tests, suite),
    (rules.lua_without_contract, lua),
    (rules.machine_paths, every_file),
    (rules.unpinned_constraints, constraints),
]


@pytest.mark.parametrize(("rule", "selection"), RULES, ids=lambda item: item.__name__)
def test_the_repository_keeps_the_rule(rule: Rule, selection: Selection) -> None:
    """No file breaks the rule."""
    broken = [
        f"{file.path}:{reason}" for file in repository() if selection(file) for reason in rule(file)
    ]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


def test_services_use_the_same_names_for_the_same_jobs() -> None:
    """Both services use the same file names for the jobs that both have."""
    paths = {file.path for file in repository()}
    gateway, market_data = (
        {name for name in SAME_NAMES if f"{folder}{package}/{name}" in paths}
        for package, folder in rules.SERVICES.items()
    )
    if gateway and market_data:
        assert gateway == market_data == set(SAME_NAMES)


def test_every_rule_is_in_the_table() -> None:
    """The table above lists exactly the rules that are checked."""
    listed = {line.split("|")[2].strip() for line in (__doc__ or "").splitlines() if "|" in line}
    assert {rule.__name__ for rule, _ in RULES} == listed - {"---", "below"} - {
        "function in tests/support/house/"
    }


SOURCE, TESTS, GATEWAY = (
    "shared/src/tapewire/x.py",
    "tests/x.py",
    "order-gateway/src/order_gateway/x.py",
)

# One file that breaks each rule, in every way that the rule looks for.
BAD: list[tuple[Rule, str, str]] = [
    (rules.long_modules, SOURCE, "x = 1\n" * 301),
    (rules.long_modules, TESTS, "x = 1\n" * 501),
    (rules.long_functions, SOURCE, "def f():\n" + "    x = 1\n" * 60),
    (rules.long_lines, "Makefile", "x" * 101),
    (rules.trailing_spaces, "Makefile", "x \n"),
    (rules.crossed_boundaries, SOURCE, "import order_gateway.app"),
    (rules.crossed_boundaries, GATEWAY, "def f():\n    from market_data import app"),
    (rules.crossed_boundaries, GATEWAY, "from tests.support import wait"),
    (rules.scripts_elsewhere, GATEWAY, "client.evalsha(x, 0)"),
    (rules.blocking_in_async, GATEWAY, "async def f():\n    time.sleep(1)"),
    (rules.blocking_in_async, GATEWAY, "async def f():\n    path.read_text()"),
    (rules.sleeping_tests, TESTS, "async def test_x():\n    await asyncio.sleep(0.1)"),
    (rules.sleeping_tests, TESTS, "time.sleep(1)"),
    (rules.redis_stand_ins, TESTS, "from fakeredis import FakeRedis"),
    (rules.redis_stand_ins, TESTS, "monkeypatch.setattr('redis.Redis.get', None)"),
    (rules.floats_in_price_code, "shared/src/tapewire/values/decimals.py", "x = float('1.1')"),
    (rules.objects_at_import, SOURCE, "client = redis.Redis()"),
    (rules.objects_at_import, SOURCE, "settings = GatewaySettings()"),
    (rules.banned_frameworks, GATEWAY, "from starlette.middleware.base import BaseHTTPMiddleware"),
    (rules.banned_frameworks, GATEWAY, "@app.on_event('startup')\ndef f(): ..."),
    (rules.forgotten_tasks, SOURCE, "async def f():\n    asyncio.create_task(g())"),
    (rules.unfinished_markers, "docs/x.md", "TO" + "DO: later"),
    (rules.vague_names, "shared/src/tapewire/utils.py", ""),
    (riddles, "docs/x.md", "Whoever names no price pays of what there is."),
    (riddles, "shared/src/tapewire/x.py", '"""It does what it was told."""'),
    (rules.vague_names, "tests/helpers/x.py", ""),
    (rules.missing_docstrings, SOURCE, "x = 1"),
    (rules.missing_docstrings, SOURCE, "'Doc.'\nclass C:\n    'Doc.'\n    def f(self): ..."),
    (rules.undescribed_tests, TESTS, "def test_x() -> None:\n    assert True"),
    (rules.lua_without_contract, "x.lua", "local x = 1"),
    (rules.lua_without_contract, "x.lua", "-- place: an order.\n-- KEYS 1 a\n"),
    (rules.machine_paths, "docs/x.md", "see /wo" + "rk/x"),
    (rules.machine_paths, "x.txt", "--index" + "-url x"),
    (rules.unpinned_constraints, "constraints.txt", "redis>=6"),
    (rules.unpinned_constraints, "constraints.txt", "redis==6.0 --hash=1"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_the_rule_notices(rule: Rule, path: str, text: str) -> None:
    """A file that breaks the rule is found."""
    assert list(rule(SourceFile(path, text)))


def test_every_rule_has_a_bad_sample() -> None:
    """Every rule has been seen to find a fault."""
    assert {rule for rule, _ in RULES} == {rule for rule, _, _ in BAD}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.forgotten_tasks, "async with TaskGroup() as group:\n    group.create_task(f())"),
        (rules.forgotten_tasks, "task = asyncio.create_task(f())"),
        (rules.sleeping_tests, "async def test_x():\n    await asyncio.sleep(0)"),
        (rules.objects_at_import, "def f():\n    return redis.Redis()"),
        (rules.machine_paths, "mount ./data to /data and read docs/work/x"),
    ],
)
def test_the_rule_permits(rule: Rule, text: str) -> None:
    """A file that only resembles a fault passes."""
    assert not list(rule(SourceFile("tests/test_x.py", text)))


def test_both_images_share_one_build() -> None:
    """The build stage of both Dockerfiles is the same text, so the distribution is built once."""
    stages = {
        file.text.partition("AS build\n")[2].partition("\nFROM ")[0]
        for file in repository()
        if file.path.endswith("/Dockerfile")
    }
    assert len(stages) <= 1
