"""Processes of this machine as /proc shows them (Linux): parents, states, command lines."""

from pathlib import Path

_TABLE = Path("/proc")
_ZOMBIE = "Z"


def children_of(parent: int) -> list[int]:
    """Process ids of the children that are not zombies."""
    return [pid for pid, (its_parent, _) in _living().items() if its_parent == parent]


def members_of(group: int) -> list[int]:
    """Process ids of the members of a process group that are not zombies."""
    return [pid for pid, (_, its_group) in _living().items() if its_group == group]


def descendants_of(ancestor: int) -> set[int]:
    """Process ids of all living processes below a process."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in _living().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    unvisited = [ancestor]
    while unvisited:
        below = children.get(unvisited.pop(), [])
        found.update(below)
        unvisited += below
    return found


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    status = _status(pid)
    return bool(status) and status[0] != _ZOMBIE


def command_line(pid: int) -> str:
    """Command line or title of a process; empty if the process is gone."""
    try:
        text = (_TABLE / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.replace("\0", " ").strip()


def directory_of(pid: int) -> str:
    """The working directory of a process; empty if the process is gone."""
    try:
        return str((_TABLE / str(pid) / "cwd").readlink())
    except OSError:
        return ""


def _living() -> dict[int, tuple[int, int]]:
    """The parent and the group of each process that is not a zombie."""
    found = {}
    for folder in _TABLE.iterdir():
        if folder.name.isdecimal():
            status = _status(int(folder.name))
            if status and status[0] != _ZOMBIE:
                found[int(folder.name)] = (int(status[1]), int(status[2]))
    return found


def _status(pid: int) -> list[str]:
    """State letter, parent, and more of a process; empty if the process is gone."""
    try:
        text = (_TABLE / str(pid) / "stat").read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
