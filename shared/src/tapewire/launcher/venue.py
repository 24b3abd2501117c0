"""Start the parts of a venue in order, keep them alive, stop them in reverse order."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from tapewire.errors import RedisUnavailable, TapewireError
from tapewire.launcher.disk_guard import DiskGuard
from tapewire.launcher.member import LaunchFailed, Member, sentence_of
from tapewire.launcher.options import LaunchOptions
from tapewire.launcher.screen import VenueFacts, open_page, say, welcome
from tapewire.launcher.services import (
    DEMO_SEED_MAX,
    SERVICE_STOP_TIMEOUT_S,
    Service,
    allow_open_files,
    crowd_keys,
    crowd_process,
    page_environment,
    running_venue,
    signing_environment,
)
from tapewire.launcher.signals import Signals
from tapewire.redis.data_directory import DIRECTORY_MODE, DataDirectory
from tapewire.redis.server import RedisServer
from tapewire.runtime.addresses import reachable_addresses
from tapewire.runtime.ports import KeptPort, PortTaken
from tapewire.runtime.processes import ChildProcess
from tapewire.runtime.venue_address import REDIS_PORT_DEFAULT
from tapewire.runtime.venue_file import RunningRedis, VenueFile
from tapewire.values.instruments import load_instruments
from tapewire.web.exposure import check_exposure

if TYPE_CHECKING:
    from tapewire.crowd.keys import CrowdKeys

REDIS_TIMEOUT_S = 120.0  # a large append-only file takes a while to load
READY_TIMEOUT_S = 60.0
READY_POLL_INTERVAL_S = 0.05
SUPERVISION_INTERVAL_S = 1.0
CROWD_STOP_TIMEOUT_S = 4.0  # it cancels its quotes for 2 s at most
REDIS_STOP_TIMEOUT_S = 15.0


class StopRequested(Exception):
    """A person or the system asked the venue to stop."""


class Venue:
    """The running parts; `run` ends with no process left running."""

    def __init__(self, options: LaunchOptions, signals: Signals) -> None:
        self._options = options
        self._signals = signals
        self._started_s = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._redis: RedisServer | None = None
        self._redis_url = ""
        self._disk: DiskGuard | None = None
        self._services: list[Service] = []
        self._crowd: list[ChildProcess] = []
        self._crowd_keys: CrowdKeys | None = None
        self._members: list[Member] = []
        self._file = VenueFile(options.data_dir)

    def run(self) -> int:
        """Start, supervise until asked to stop, stop. Returns the exit status."""
        with closing(ExitStack()) as stack:
            return self._live(stack)

    def _live(self, stack: ExitStack) -> int:
        try:
            self._start(stack)
            self._supervise()
        except StopRequested:
            return 0
        except TapewireError as error:
            say(f"tapewire: {error}", error=True)
            return 1
        finally:
            self._stop()

    def _start(self, stack: ExitStack) -> None:
        options = self._options
        instruments = load_instruments(options.instruments)
        directory = stack.enter_context(DataDirectory(options.data_dir))
        gateway, market_data = self._services = self._take_ports(stack)
        allow_open_files()
        self._redis_url = options.redis_url or self._start_redis(directory)
        log_dir = directory.path / "logs"
        log_dir.mkdir(exist_ok=True)
        log_dir.chmod(DIRECTORY_MODE)
        page = page_environment(gateway, market_data) | signing_environment(directory.path)
        for service in self._services:
            for child in service.processes(options, self._redis_url, log_dir, page):
                self._launch(child, service.children)
        for service in self._services:
            self._wait(service.ready, f"{service.name} was not ready", READY_TIMEOUT_S)
        seed = random.randrange(DEMO_SEED_MAX) if options.demo else None
        if seed is not None:
            if options.auth == "keys":
                self._crowd_keys = crowd_keys(self._redis_url, directory.path)
                self._crowd_keys.make()
            crowd = crowd_process(options, gateway, seed, log_dir, self._crowd_keys)
            self._launch(crowd, self._crowd)
        self._leave_address()
        # With JSON lines standard output is for them alone.
        say(
            welcome(
                VenueFacts(
                    gateway_url=gateway.url,
                    market_data_url=market_data.url,
                    gateway_certificate=gateway.certificate,
                    redis_url=self._redis_url,
                    redis_server=self._redis,
                    data_dir=directory.path,
                    log_dir=log_dir,
                    instrument=next(iter(instruments.values())),
                    demo_seed=seed,
                    seconds=time.monotonic() - self._started_s,
                    auth=options.auth,
                    lan_addresses=tuple(reachable_addresses(gateway.port.address)),
                )
            ),
            error=options.log_format == "json",
        )
        if options.open_page:
            open_page(gateway.url)

    def _take_ports(self, stack: ExitStack) -> list[Service]:
        """Gateway and market-data, each with its port kept. Raises ConfigurationError."""
        options = self._options
        gateway = Service(
            "order-gateway",
            "order_gateway",
            "TAPEWIRE_GATEWAY_",
            stack.enter_context(KeptPort(options.host, options.gateway_port, "--gateway-port")),
            options.gateway_workers,
        )
        check_exposure(gateway.port.address, options.auth, open_to_network=options.open_to_network)
        market_data = Service(
            "market-data",
            "market_data",
            "TAPEWIRE_MARKET_DATA_",
            stack.enter_context(
                KeptPort(options.host, options.market_data_port, "--market-data-port")
            ),
            options.market_data_workers,
        )
        return [gateway, market_data]

    def _leave_address(self) -> None:
        """Write `venue.json`, where other commands find this venue."""
        redis = RunningRedis(
            url=self._redis_url, process_id=None if self._redis is None else self._redis.pid
        )
        folder, auth = self._options.data_dir, self._options.auth
        self._file.write(
            running_venue(self._services, redis, folder, started=self._started, auth=auth)
        )

    def _renew_address(self) -> None:
        """Write `venue.json` again after a restart; a full disk does not end the venue."""
        try:
            self._leave_address()
        except TapewireError as error:
            say(f"tapewire: {error}", error=True)

    def _start_redis(self, directory: DataDirectory) -> str:
        """Start the embedded server on the wanted port, else on the usual port or a free one."""
        wanted = self._options.redis_port
        server = RedisServer(
            directory.path / "redis", fsync=self._options.fsync, needs_password=True
        )
        self._redis = server
        self._disk = DiskGuard(server, directory.path)
        self._disk.check_start()
        for found in server.binary.passed_over:
            say(f"tapewire: {found}; using {_described(server)}", error=True)
        for port in (REDIS_PORT_DEFAULT, 0) if wanted is None else (wanted,):
            server.port = port
            try:
                server.launch()
                self._wait(server.ready, "the Redis server did not answer", REDIS_TIMEOUT_S)
            except PortTaken as error:
                if wanted:
                    raise PortTaken(f"{error} with --redis-port") from None
                if port == 0:
                    raise
            else:
                break
        self._members.append(Member(server, keeps_trying=lambda: self._disk_is_full))
        return server.url

    def _launch(self, child: ChildProcess, group: list[ChildProcess]) -> None:
        try:
            child.launch()
        except OSError as error:
            raise LaunchFailed(f"{child.name} cannot be started: {error}") from None
        group.append(child)
        self._members.append(Member(child))

    def _wait(self, ready: Callable[[], bool], complaint: str, timeout_s: float) -> None:
        """Wait for `ready`; a child that ends meanwhile has the word.

        Raises StopRequested, LaunchFailed, RedisUnavailable, or what `ready` raises.
        """
        deadline_s = time.monotonic() + timeout_s
        while not ready():
            for child in self._service_processes():
                if not child.running:
                    raise LaunchFailed(
                        f"{child.name} could not start ({child.ending}): {sentence_of(child)} "
                        f"Its log is {child.log_path}"
                    )
            if time.monotonic() > deadline_s:
                raise RedisUnavailable(f"{complaint} within {timeout_s:g} s")
            self._pause(READY_POLL_INTERVAL_S)
        self._pause(0)

    def _supervise(self) -> NoReturn:
        """Restart parts that die, until asked to stop. Raises StopRequested or LaunchFailed."""
        while True:
            now_s = time.monotonic()
            self._bound_logs()
            self._watch_disk()
            for member in self._members:
                news = member.supervise(now_s)
                if news is not None:
                    say(f"tapewire: {news}", error=True)
                    self._renew_address()
            self._pause(min(m.due_in_s(now_s, SUPERVISION_INTERVAL_S) for m in self._members))

    @property
    def _disk_is_full(self) -> bool:
        return self._disk is not None and self._disk.is_full

    def _watch_disk(self) -> None:
        news = None if self._disk is None else self._disk.check()
        if news is not None:
            say(f"tapewire: {news}", error=True)

    def _bound_logs(self) -> None:
        children = [*self._service_processes(), *self._crowd]
        if self._redis is not None:
            children.append(self._redis.child)
        for child in children:
            child.bound_log()

    def _service_processes(self) -> list[ChildProcess]:
        return [child for service in self._services for child in service.children]

    def _pause(self, timeout_s: float) -> None:
        if not self._signals.stops:
            self._signals.wait(timeout_s)
        if self._signals.stops:
            raise StopRequested

    def _stop(self) -> None:
        """Stop the crowd, the services, then Redis; one more request to stop kills the rest."""
        # Only signals that come from now on ask for a quick end.
        stops_before = self._signals.stops
        if self._members or (self._redis is not None and self._redis.running):
            say("tapewire: stopping", error=self._options.log_format == "json")
        self._file.remove()
        self._end(self._crowd, CROWD_STOP_TIMEOUT_S, stops_before)
        if self._crowd_keys is not None:
            self._crowd_keys.drop()
        self._end(self._service_processes(), SERVICE_STOP_TIMEOUT_S, stops_before)
        server = self._redis
        if server is not None and server.launched:
            self._end([server.child], REDIS_STOP_TIMEOUT_S, stops_before)
            server.stop()

    def _end(self, children: Sequence[ChildProcess], timeout_s: float, stops_before: int) -> None:
        """Ask all processes to stop; kill and name those that do not stop in time."""
        for child in children:
            child.ask_to_stop()
        deadline_s = time.monotonic() + timeout_s
        hurry = False
        while any(child.running for child in children):
            left_s = deadline_s - time.monotonic()
            hurry = self._signals.stops > stops_before
            if left_s <= 0 or hurry:
                break
            self._signals.wait(min(left_s, READY_POLL_INTERVAL_S))
        for child in children:
            if child.running:
                child.kill()
                why = "as you wish" if hurry else f"as it did not stop within {timeout_s:g} s"
                say(f"tapewire: {child.name} was killed, {why}", error=True)


def _described(server: RedisServer) -> str:
    binary = server.binary
    return f"the bundled {binary}" if binary.bundled else f"{binary.path} ({binary})"
