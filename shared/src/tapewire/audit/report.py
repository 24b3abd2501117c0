"""The report of an audit: a line for each check, then the first differences."""

from collections.abc import Iterator

from tapewire.audit.findings import Check, Findings


def report_lines(found: Findings) -> Iterator[str]:
    """The lines: each check with its verdict, counts and remarks, then the first differences."""
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
