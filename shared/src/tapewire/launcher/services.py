"""The commands and environments of the venue's processes, and the question whether they work."""

import contextlib
import http.client
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tapewire import __version__
from tapewire.api_keys.signing import MASTER_FILE_NAME, MASTER_VARIABLE, ensure_master
from tapewire.launcher.options import LaunchOptions
from tapewire.runtime.ports import KeptPort
from tapewire.runtime.processes import ChildProcess
from tapewire.runtime.venue_address import FEED_PATH, VENUE_VARIABLE
from tapewire.runtime.venue_file import RunningRedis, RunningService, RunningVenue
from tapewire.web.tls import unverified_context

if TYPE_CHECKING:
    from tapewire.crowd.keys import CrowdKeys

READY_REQUEST_TIMEOUT_S = 2.0
OPEN_FILES = 16_384
SERVICE_STOP_TIMEOUT_S = 20.0  # a drain takes up to 5 s, requests then have 10 s to finish
DEMO_SEED_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Service:
    """One of the two services: its package, its port and the processes that share it."""

    name: str
    package: str
    prefix: str
    port: KeptPort
    workers: int
    children: list[ChildProcess] = field(default_factory=list)

    @property
    def certificate(self) -> Path | None:
        """The certificate that the environment names; None for plain HTTP."""
        path = os.environ.get(f"{self.prefix}TLS_CERTIFICATE")
        return Path(path) if path else None

    @property
    def url(self) -> str:
        """Base URL for a client on this machine."""
        return f"http{'s' if self.certificate else ''}://{self.port.reachable}"

    def running(self) -> RunningService:
        """Where the service is, as `venue.json` says it."""
        certificate = self.certificate
        return RunningService(
            url=self.url,
            port=self.port.port,
            process_ids=tuple(child.pid for child in self.children),
            certificate=None if certificate is None else str(certificate.absolute()),
        )

    def processes(
        self, options: LaunchOptions, redis_url: str, log_dir: Path, page: dict[str, str]
    ) -> Iterator[ChildProcess]:
        """Its processes, not started; `page` is what `page_environment` says."""
        environment = (
            base_environment(options)
            | page
            | {
                "REDIS_URL": redis_url,
                f"{self.prefix}HOST": options.host,
                f"{self.prefix}PORT": str(self.port.port),
                f"{self.prefix}REUSE_PORT": "true",
                f"{self.prefix}WORKERS": "1",
            }
        )
        for number in range(1, self.workers + 1):
            name = self.name if self.workers == 1 else f"{self.name}-{number}"
            yield ChildProcess(
                name,
                python_command(self.package),
                log_path=log_dir / f"{name}.log",
                environment=environment,
                shares_output=options.log_format == "json",
            )

    def ready(self) -> bool:
        """Whether `/readyz` of a process on the port answers 200 now."""
        host, _, port = self.port.reachable.rpartition(":")
        address, timeout_s = host.strip("[]"), READY_REQUEST_TIMEOUT_S
        connection = http.client.HTTPConnection(address, int(port), timeout=timeout_s)
        if self.certificate:
            # The certificate is for the name that clients use; the request has no secret.
            connection = http.client.HTTPSConnection(
                address, int(port), timeout=timeout_s, context=unverified_context()
            )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def page_environment(gateway: Service, market_data: Service) -> dict[str, str]:
    """Settings by which the trading page and the feed find each other, unless they are set."""
    if (gateway.certificate is None) == (market_data.certificate is None):
        feed, page = f":{market_data.port.port}", f":{gateway.port.port}"
    else:
        feed, page = market_data.url, gateway.url
    wanted = {f"{gateway.prefix}FEED_URL": feed, f"{market_data.prefix}PAGE_URL": page}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def signing_environment(data_dir: Path) -> dict[str, str]:
    """The setting that names the master secret of signed calls; its file is made at first.

    Raises ConfigurationError.
    """
    path = _signing_master(data_dir)
    ensure_master(path)
    return {MASTER_VARIABLE: str(path)}


def _signing_master(data_dir: Path) -> Path:
    return Path(os.environ.get(MASTER_VARIABLE) or data_dir / MASTER_FILE_NAME).absolute()


def crowd_keys(redis_url: str, data_dir: Path) -> "CrowdKeys":
    """The keys of the demo crowd, not made."""
    # Most venues have no crowd with keys, and the store of keys is a tenth of a launcher's imports.
    from tapewire.crowd.keys import CrowdKeys

    return CrowdKeys(redis_url, data_dir)


def crowd_process(
    options: LaunchOptions, gateway: Service, seed: int, log_dir: Path, keys: "CrowdKeys | None"
) -> ChildProcess:
    """The demo crowd, not started; `keys` are its keys at a venue with keys."""
    arguments = ["--venue", gateway.url, "--seed", str(seed)]
    if gateway.certificate:
        arguments += ["--ca-file", str(gateway.certificate)]
    if keys is not None:
        arguments += ["--keys-file", str(keys.path)]
    return ChildProcess(
        "demo crowd",
        [*python_command("tapewire.crowd"), *arguments],
        log_path=log_dir / "demo-crowd.log",
        environment=base_environment(options),
    )


def running_venue(
    services: Sequence[Service], redis: RunningRedis, data_dir: Path, *, started: str, auth: str
) -> RunningVenue:
    """The content of `venue.json` for a venue that this process runs."""
    gateway, market_data = services
    return RunningVenue(
        version=__version__,
        started=started,
        process_id=os.getpid(),
        auth=auth,
        gateway=gateway.running(),
        market_data=market_data.running(),
        feed_url=market_data.url.replace("http", "ws", 1) + FEED_PATH,
        redis=redis,
        signing_master=str(_signing_master(data_dir)),
    )


def python_command(module: str) -> list[str]:
    """Run `module`; `-P` keeps files of the current directory from passing for packages."""
    return [sys.executable, "-P", "-m", module]


def base_environment(options: LaunchOptions) -> dict[str, str]:
    """The environment of this process with the settings of the options."""
    environment = dict(os.environ) | {
        "PYTHONUNBUFFERED": "1",
        # The search for plugins of pydantic reads the metadata of every installed package.
        "PYDANTIC_DISABLE_PLUGINS": os.environ.get("PYDANTIC_DISABLE_PLUGINS", "__all__"),
        "TAPEWIRE_LOG_LEVEL": options.log_level,
        "TAPEWIRE_LOG_FORMAT": options.log_format,
        "TAPEWIRE_FUNDS": options.funds,
        "TAPEWIRE_CLOCK": options.clock,
        "TAPEWIRE_PAPER_BALANCES": options.paper_balances,
        "TAPEWIRE_AUTH": options.auth,
        "TAPEWIRE_OPEN_TO_NETWORK": str(options.open_to_network).lower(),
    }
    # The variable names the venue for other commands and is no setting of a service.
    environment.pop(VENUE_VARIABLE, None)
    if options.instruments is not None:
        environment["TAPEWIRE_INSTRUMENTS"] = str(options.instruments.absolute())
    return environment


def allow_open_files() -> None:
    """Let the children hold many connections: a usual shell allows 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
