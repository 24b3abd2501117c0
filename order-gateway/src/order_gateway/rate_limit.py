"""The rate limits of accounts and client addresses at a gateway."""

from collections.abc import Mapping

from order_gateway.settings import GatewaySettings
from tapewire.web.rate_limit import NO_HEADERS, Buckets, client_network


class RateLimits:
    """The limits of a gateway: every request takes from the bucket of its account and of its
    address."""

    def __init__(self, accounts: Buckets | None, addresses: Buckets | None) -> None:
        self._accounts = accounts
        self._addresses = addresses

    def take(
        self, account: str | None, address: str | None, count: int, now_ns: int
    ) -> tuple[int | None, int | None]:
        """Take `count` orders from both buckets, or from none; no account has no bucket.

        Returns the nanoseconds until the bucket of the account and that of the address are full
        again, None without a limit. Raises RateLimited, which carries headers.
        """
        accounts, addresses = self._accounts, self._addresses
        of_account_ns = of_address_ns = None
        if addresses is not None and address is not None:
            address = client_network(address)
            of_address_ns = addresses.check(address, count, now_ns)
        if accounts is not None and account is not None:
            of_account_ns = accounts.check(account, count, now_ns)
            accounts.take(account, of_account_ns, now_ns)
        if addresses is not None and address is not None and of_address_ns is not None:
            addresses.take(address, of_address_ns, now_ns)
        return of_account_ns, of_address_ns

    def admit(
        self, account: str | None, address: str | None, count: int, now_ns: int
    ) -> Mapping[str, str]:
        """As `take`; returns the headers of the answer, those of the emptier bucket."""
        of_account_ns, of_address_ns = self.take(account, address, count, now_ns)
        accounts, addresses = self._accounts, self._addresses
        if addresses is None or of_address_ns is None:
            if accounts is None or of_account_ns is None:
                return NO_HEADERS
            return accounts.headers(of_account_ns)
        if accounts is None or of_account_ns is None:
            return addresses.headers(of_address_ns)
        if addresses.remaining(of_address_ns) < accounts.remaining(of_account_ns):
            return addresses.headers(of_address_ns)
        return accounts.headers(of_account_ns)

    def check_address(self, address: str | None, now_ns: int) -> None:
        """Check that the bucket of an address holds one more request. Raises RateLimited."""
        if self._addresses is not None and address is not None:
            self._addresses.check(client_network(address), 1, now_ns)

    def take_address(self, address: str | None, now_ns: int) -> None:
        """Charge an address for a request without an account, such as a wrong key."""
        addresses = self._addresses
        if addresses is not None and address is not None:
            addresses.charge(client_network(address), 1, now_ns)


def make_rate_limits(settings: GatewaySettings) -> RateLimits:
    """The limits that the settings of a gateway give."""

    def buckets(per_second: int, burst: int) -> Buckets | None:
        if per_second == 0:
            return None
        names_max = settings.rate_limit_names_max
        return Buckets(per_second=per_second, burst=burst, names_max=names_max)

    return RateLimits(
        accounts=buckets(settings.account_orders_per_s, settings.account_burst),
        addresses=buckets(settings.address_orders_per_s, settings.address_burst),
    )
