"""The house rules as functions of one file: each yields the faults of the file as `line: reason`.

`tests/test_tidy.py` applies the rules to the repository, and to bad samples of every rule.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

MODULE_LINES_MAX = 300
TEST_MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
LINE_CHARACTERS_MAX = 100

SHARED = "shared/src/tapewire/"
SERVICES = {"order_gateway": "order-gateway/src/", "market_data": "market-data/src/"}
MATCHING = SHARED + "matching/"
SLEEP_ALLOWED = "tests/support/wait.py"

BANNED_STEMS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
REDIS_STAND_INS = {"fakeredis", "mockredis", "birdisle", "pytest_redis_mock"}
BLOCKING_CALLS = {
    "time.sleep", "open", "input", "subprocess.run", "subprocess.check_output", "os.system",
    "subprocess.check_call", "socket.create_connection", "urllib.request.urlopen",
}  # fmt: skip
BLOCKING_METHODS = {"read_text", "write_text", "read_bytes", "write_bytes"}
LIVE_OBJECTS = {
    "Redis", "RedisCluster", "Sentinel", "StrictRedis", "from_url", "open_async",
    "open_subscriber", "AsyncClient", "Client", "FastAPI", "create_app", "load_settings",
    "RedisServer", "ThreadPoolExecutor",
}  # fmt: skip
SCRIPT_CALLS = {"eval", "evalsha", "register_script", "script_load", "fcall", "function_load"}
# Files that handle prices and quantities; they use integers, never binary fractions.
PRICE_CODE = (
    SHARED + "values/decimals.py",
    SHARED + "values/instruments.py",
    SHARED + "values/types.py",
    SHARED + "wire/trade_event.py",
    SHARED + "terminal/tape.py",
    SHARED + "crowd/examples.py",
    SHARED + "crowd/traders.py",
    MATCHING,
    SERVICES["order_gateway"],
)

MARKERS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATHS = re.compile(
    r"(?<![\w.$}])/(?:(?:wo" r"rk|ro" r"ot|ho" r"me|Us" r"ers)(?:/\w|\b)|t" r"mp/\w)"
)
REGISTRIES = re.compile(r"py" r"pi\.|python" r"hosted|index" r"-url|find" r"-links|devp" r"i")
CONSTRAINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.!+]*")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the repository; `path` is relative, with slashes."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return _parse(self.text, self.path)

    @property
    def in_source(self) -> bool:
        """Whether the file ships."""
        return "/src/" in self.path

    @property
    def in_tests(self) -> bool:
        """Whether the file is part of the tests."""
        return self.path.startswith("tests/")


@cache
def _parse(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


def walk(node: ast.AST) -> Iterable[ast.AST]:
    """A node and all below it; those of a module are looked up once, since every rule asks."""
    return _module_nodes(node) if isinstance(node, ast.Module) else ast.walk(node)


@cache
def _module_nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute; a computed part is shown as `?`."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
    return "?"


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that is imported anywhere."""
    for node in walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                yield node.lineno, node.module or ""


def calls(tree: ast.AST) -> Iterator[tuple[int, str, ast.Call]]:
    """Line, dotted name and node of every call."""
    for node in walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func), node


def long_modules(file: SourceFile) -> Iterator[str]:
    """A module or script has at most 300 lines, one of the tests at most 500."""
    limit = MODULE_LINES_MAX if file.in_source else TEST_MODULE_LINES_MAX
    count = len(file.text.splitlines())
    if count > limit:
        yield f"1: {count} lines, at most {limit}"


def long_functions(file: SourceFile) -> Iterator[str]:
    """A function has at most 60 lines."""
    for node in walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {count} lines, at most {FUNCTION_LINES_MAX}"


def long_lines(file: SourceFile) -> Iterator[str]:
    """A line has at most 100 characters."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if len(line) > LINE_CHARACTERS_MAX:
            yield f"{number}: {len(line)} characters, at most {LINE_CHARACTERS_MAX}"


def trailing_spaces(file: SourceFile) -> Iterator[str]:
    """A line ends with its last character that can be seen."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if line != line.rstrip():
            yield f"{number}: spaces at the end"


def crossed_boundaries(file: SourceFile) -> Iterator[str]:
    """tapewire imports neither service, and a service never the other one."""
    foreign = {name for name, folder in SERVICES.items() if not file.path.startswith(folder)}
    for line, module in imported_modules(file.tree):
        if module.partition(".")[0] in foreign or module.partition(".")[0] == "tests":
            yield f"{line}: imports {module}"


def scripts_elsewhere(file: SourceFile) -> Iterator[str]:
    """Lua reaches Redis only through tapewire.matching."""
    if file.path.startswith(MATCHING):
        return
    for line, name, node in calls(file.tree):
        if isinstance(node.func, ast.Attribute) and node.func.attr in SCRIPT_CALLS:
            yield f"{line}: {name}() runs a script outside tapewire.matching"


def blocking_in_async(file: SourceFile) -> Iterator[str]:
    """Nothing that blocks is called in a coroutine."""
    for function in walk(file.tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for line, name, node in calls(function):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in BLOCKING_CALLS or method in BLOCKING_METHODS:
                yield f"{line}: {name}() blocks the event loop in {function.name}"


def sleeping_tests(file: SourceFile) -> Iterator[str]:
    """Tests wait for conditions (tests/support/wait.py), they do not sleep; sleep(0) yields."""
    if not file.in_tests or file.path == SLEEP_ALLOWED:
        return
    for line, name, node in calls(file.tree):
        yields = (
            bool(node.args) and isinstance(node.args[0], ast.Constant) and not node.args[0].value
        )
        blocking = name == "time.sleep" and not file.path.startswith("tests/support/")
        if (name == "asyncio.sleep" and not yields) or blocking:
            yield f"{line}: {name}() in a test; use wait_until or wait_for"


def redis_stand_ins(file: SourceFile) -> Iterator[str]:
    """Redis is real everywhere: no fake of it is imported, none of it is patched."""
    for line, module in imported_modules(file.tree):
        if module.partition(".")[0] in REDIS_STAND_INS:
            yield f"{line}: imports {module}"
    for line, name, node in calls(file.tree):
        first = node.args[0] if node.args else None
        patches = name.rpartition(".")[2] in {"patch", "setattr"}
        if not patches or first is None:
            continue
        target = first.value if isinstance(first, ast.Constant) else dotted(first)
        if str(target).partition(".")[0] == "redis":
            yield f"{line}: {name}() replaces a part of redis"


def floats_in_price_code(file: SourceFile) -> Iterator[str]:
    """Prices and quantities never become binary fractions."""
    if file.path.startswith(PRICE_CODE):
        for line, name, _ in calls(file.tree):
            if name == "float":
                yield f"{line}: float() where prices are handled"


def objects_at_import(file: SourceFile) -> Iterator[str]:
    """Importing a module connects to nothing and reads no settings."""
    for statement in file.tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            continue
        for line, name, _ in calls(statement):
            last = name.rpartition(".")[2]
            if last in LIVE_OBJECTS or last.endswith("Settings"):
                yield f"{line}: {name}() at import"


def banned_frameworks(file: SourceFile) -> Iterator[str]:
    """No BaseHTTPMiddleware (it breaks context and costs much), no on_event (lifespan instead)."""
    for node in walk(file.tree):
        match node:
            case ast.Attribute(attr="on_event" | "BaseHTTPMiddleware" as name):
                yield f"{node.lineno}: {name}"
            case ast.ImportFrom() if any(a.name == "BaseHTTPMiddleware" for a in node.names):
                yield f"{node.lineno}: BaseHTTPMiddleware"


def forgotten_tasks(file: SourceFile) -> Iterator[str]:
    """A task without a reference may vanish with its error; a TaskGroup refers to its tasks."""
    groups = {
        item.optional_vars.id
        for node in walk(file.tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name)
    }
    for node in walk(file.tree):
        if not (isinstance(node, ast.Expr | ast.Lambda)):
            continue
        value = node.value if isinstance(node, ast.Expr) else node.body
        if isinstance(value, ast.Call):
            owner, _, last = dotted(value.func).rpartition(".")
            if last in {"create_task", "ensure_future"} and owner not in groups:
                yield f"{value.lineno}: {last}() without a kept reference"


def unfinished_markers(file: SourceFile) -> Iterator[str]:
    """Unfinished work is an issue, not a marker in the tree."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if MARKERS.search(line):
            yield f"{number}: a marker of unfinished work"


def vague_names(file: SourceFile) -> Iterator[str]:
    """The name of a file or folder says what the file or folder is."""
    parts = [PurePosixPath(part).stem for part in PurePosixPath(file.path).parts]
    if BANNED_STEMS.intersection(parts):
        yield "1: a name that says nothing"


def missing_docstrings(file: SourceFile) -> Iterator[str]:
    """Every public module, class, function and method that ships has a docstring."""
    if ast.get_docstring(file.tree) is None and file.text.strip():
        yield "1: the module has no docstring"
    yield from _undocumented(file.tree)


def _undocumented(parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{node.lineno}: {node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node)


def undescribed_tests(file: SourceFile) -> Iterator[str]:
    """Every test says in one sentence what holds."""
    for node in walk(file.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_"):
            sentence = (ast.get_docstring(node) or "").partition("\n\n")[0].strip()
            if not sentence.endswith("."):
                yield f"{node.lineno}: {node.name} has no sentence as docstring"


def lua_without_contract(file: SourceFile) -> Iterator[str]:
    """A Lua file begins with its contract; an entry point names keys, arguments and reply."""
    header = []
    for line in file.text.splitlines():
        if not line.startswith("--"):
            break
        header.append(line)
    text = "\n".join(header)
    if not re.match(r"-- \w+: \S", text):
        yield "1: no header `-- name: what it does`"
    elif "/core/" not in file.path:
        for word in ("KEYS", "ARGV", "Reply"):
            if word not in text:
                yield f"1: the header does not say {word}"


def machine_paths(file: SourceFile) -> Iterator[str]:
    """Nothing in the tree depends on the paths of one machine."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        found = MACHINE_PATHS.search(line) or REGISTRIES.search(line)
        if found:
            yield f"{number}: {found[0]}"


def unpinned_constraints(file: SourceFile) -> Iterator[str]:
    """A constraint is a bare name==version."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if not CONSTRAINT.fullmatch(line):
            yield f"{number}: {line!r} is not name==version"
