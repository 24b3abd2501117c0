"""Runs schemathesis, as a process of its own, against the OpenAPI document of a running service."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hypothesis.configuration import storage_directory

from tests.support.profile import NIGHTLY
from tests.support.running.processes import Service, child_environment

# Random requests for each operation, beside the examples and edges of its schema.
EXAMPLES = 160 if NIGHTLY else 4
RUN_TIMEOUT_S = 1_800 if NIGHTLY else 400
REQUEST_TIMEOUT_S = 10.0
# `openapi_hooks.py` imports schemathesis, which costs half a second. No worker imports the module.
HOOKS = Path(__file__).with_name("openapi_hooks.py")
OWN_KEY_VARIABLE = "FUZZ_OWN_KEY_ID"  # read by `openapi_hooks.py`
# A request of 64 KB would bury what is said about it.
LINE_CHARACTERS_MAX = 2_000

# Random text is hardly ever traded, so values that are stand in for it often.
VALUES: Mapping[str, tuple[list[str], float]] = {
    "symbol": (["BTC-USDT", "ETH-USDT", "SOL-USDT"], 0.8),
    "account": (["demo", "fuzzer", "@fees"], 0.8),
    "X-Account": (["demo", "fuzzer"], 0.8),
    "asset": (["BTC", "USDT"], 0.8),
    "amount": (["1", "0.5", "1000000"], 0.6),
    "price": (["60000.00", "59999.99", "60000.01", "1.00"], 0.6),
    "stop_price": (["60000.00", "59999.99"], 0.4),
    "quantity": (["0.5", "1", "0.00001", "100"], 0.6),
}
PLACES: Mapping[str, tuple[str, ...]] = {
    "path": ("symbol", "account"),
    "query": ("symbol",),
    "header": ("X-Account",),
    "body": ("symbol", "account", "asset", "amount", "price", "stop_price", "quantity"),
}


def check_document(
    service: Service,
    folder: Path,
    *,
    operations: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    account: str | None = None,
    own_key_id: str = "",
    edges: bool = True,
) -> None:
    """Try operations of the document that the service gives out; `operations` are options.

    `account` is named in X-Account wherever that is a parameter. Without `edges` the edges of the
    schemas are left to another test, but for the nightly profile. Raises AssertionError with all
    that was found, each with the request that shows it.
    """
    config = folder / "schemathesis.toml"
    config.write_text(_config(account, edges=edges or NIGHTLY), "utf-8")
    seed = os.environ.get("FUZZ_SEED") or str(secrets.randbits(32))
    sys.stdout.write(f"FUZZ_SEED={seed}\n")
    # A key is part of the command line here: it is of this test and gone with its Redis.
    options = [f"--header={name}:{value}" for name, value in (headers or {}).items()]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--no-color", f"--config-file={config}",
            "run", f"{service.url}/openapi.json", f"--seed={seed}", *operations, *options,
        ],
        env=child_environment(
            {
                "SCHEMATHESIS_HOOKS": str(HOOKS),
                OWN_KEY_VARIABLE: own_key_id,
                # Tables of characters are computed once, not again in the folder of each test.
                "HYPOTHESIS_STORAGE_DIRECTORY": str(storage_directory().path.resolve()),
                "PYTHONIOENCODING": "utf-8",
            }
        ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )  # fmt: skip
    report = done.stdout.decode("utf-8", "replace")
    sys.stdout.writelines(f"{line[:LINE_CHARACTERS_MAX]}\n" for line in report.splitlines())
    assert done.returncode == 0, f"the document and {service.name} differ; see the report below"
    assert "Tested:" in report
    assert "Tested: 0" not in report


def _config(account: str | None, *, edges: bool) -> str:
    """What schemathesis is told, as TOML."""
    lines = [
        'suppress-health-check = ["all"]',
        "continue-on-failure = true",
        f"request-timeout = {REQUEST_TIMEOUT_S}",
        # The first event of a stream shows that it is one.
        "max-stream-events = 1",
        "[generation]",
        f"max-examples = {EXAMPLES}",
        'database = "none"',
        "[phases]",
        "stateful.enabled = false",
        f"coverage.enabled = {str(edges).lower()}",
        "coverage.generate-duplicate-query-parameters = true",
        # test_openapi_fuzz tries every other method at every path by itself.
        "coverage.unexpected-methods = []",
        "[checks]",
        # What fields mean together is no matter of a schema, so good ones may be refused.
        "positive_data_acceptance.enabled = false",
        # A list that is too long may be too many bytes first, which is 413.
        'negative_data_rejection.expected-statuses = ["4xx"]',
        "[dictionaries]",
        *(f"{name} = {{ values = {json.dumps(values)} }}" for name, (values, _) in VALUES.items()),
        "[parameters]",
        *(
            f'"{place}.{name}" = {{ dictionary = "{name}", probability = {VALUES[name][1]} }}'
            for place, names in PLACES.items()
            for name in names
            if account is None or place != "header"
        ),
    ]
    if account is not None:
        lines.append(f'"header.X-Account" = "{account}"')
    return "\n".join(lines) + "\n"
