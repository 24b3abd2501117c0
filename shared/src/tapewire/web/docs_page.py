"""The page at `/docs`: Swagger UI from packaged files, so that the page works offline."""

import base64
import hashlib
import re
from importlib import resources

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from tapewire.web.direct_route import DirectRoute

PATH = "/docs"
OPENAPI_PATH = "/openapi.json"
ASSETS = "/docs-assets"

_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def add_docs_page(app: FastAPI) -> None:
    """Serve `/docs` and its files; the application must be made with `docs_url=None`."""
    folder = resources.files("fastapi_offline").joinpath("static")
    app.mount(ASSETS, StaticFiles(directory=str(folder)), name="docs-assets")

    router = APIRouter(route_class=DirectRoute)

    @router.get(PATH, include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        """The operations of this service, to read and to try."""
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{OPENAPI_PATH}",
            title=app.title,
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
        )
        page.headers["Content-Security-Policy"] = _policy(bytes(page.body))
        return page

    app.include_router(router)


def _policy(page: bytes) -> str:
    """Content-Security-Policy of `/docs`: its own script, by digest, and its own service."""
    digests = [
        base64.b64encode(hashlib.sha256(script).digest()).decode()
        for script in _INLINE_SCRIPT.findall(page)
    ]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
