"""The report of an audit, for people: a line for each check, then every difference."""

from collections.abc import Iterator

from tapewire.audit.findings import Check, Findings


def report_lines(found: Findings) -> Iterator[str]:
    """Each check with its verdict, its counts and remarks; the first differences by name."""
    for check in Check:
        differences = found.differences[check]
        verdict = f"{differences:,} different" if differences else "ok"
        counts = ", ".join(f"{number:,} {noun}" for noun, number in found.seen[check].items())
        remark = found.remarks.get(check, "")
        yield f"{check:<9} {verdict:<12} {counts}{'; ' if counts and remark else ''}{remark}"
    for sentence in found.sentences:
        yield f"DIFFERENT {sentence}"
    more = found.differences.total() - len(found.sentences)
    if more:
        yield f"          and {more:,} more"
