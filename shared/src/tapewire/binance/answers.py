"""Error answers of the Binance surface that come before its own code, such as for a foreign page.

Every error below these paths is `{"code":...,"msg":...}`, because clients read nothing else.
"""

PREFIXES = ("/api/", "/sapi/", "/fapi/", "/dapi/")
UNAUTHORIZED = -1002


def is_surface(path: str) -> bool:
    """Whether a path belongs to REST of the Binance surface."""
    return path.startswith(PREFIXES)


def unauthorized(detail: str) -> dict[str, object]:
    """The body of a refusal of the origin or the host of a request."""
    return {
        "code": UNAUTHORIZED,
        "msg": f"You are not authorized to execute this request. {detail}",
    }
