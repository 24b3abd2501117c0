"""The page at `/docs` works without the internet."""

import re
from pathlib import Path

import httpx

from tests.support.running.processes import running_gateway


def test_the_page_asks_only_this_service(redis_url: str, tmp_path: Path) -> None:
    """Every script, style and picture of the page comes from the service itself."""
    with (
        running_gateway(redis_url, tmp_path) as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):
        page = client.get("/docs")
        assert page.status_code == 200
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(assets) >= 3
        for asset in assets:
            assert asset.startswith("/docs-assets/"), asset
            assert client.get(asset).status_code == 200
        assert "http" not in re.sub(r"https?://127\.0\.0\.1:\d+", "", "".join(assets))
