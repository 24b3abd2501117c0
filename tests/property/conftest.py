"""How long the property tests search: `make test-nightly` looks fifty times longer.

A failing example is printed shrunk, with a line that replays it.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.profile import PROFILE

_COMMON = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # Generating a sequence is cheap beside running it against Redis.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
settings.register_profile("default", _COMMON, max_examples=50)
settings.register_profile("nightly", _COMMON, max_examples=2_500)
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests no time limit: hypothesis would take the end of time for a failure."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(0))
