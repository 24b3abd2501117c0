"""The socket and the server options of a service."""

import gc
import socket

import pytest

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.web.connections import Connections
from tapewire.web.problem import ProblemApp
from tapewire.web.server import Server
from tapewire.web.serving import ServerSettings, bind_socket, configure, exit_with_a_sentence


async def test_a_service_that_listens_collects_garbage() -> None:
    """A service starts without the garbage collector; the collector is on when it listens."""
    app, settings, threshold = ProblemApp(), ServerSettings(port=0), gc.get_threshold()
    config, connections = configure(app, settings), Connections()
    config.load()
    server = Server(config, app, None, request_timeout_s=1, connections=connections)
    gc.disable()
    try:
        with bind_socket(settings) as listener:
            await server.startup([listener])
            assert gc.isenabled()
            for each in server.servers:
                each.close()
    finally:
        gc.enable()
        gc.set_threshold(*threshold)


def test_a_free_port_is_taken_when_asked_for_port_zero() -> None:
    """Port 0 lets the system choose."""
    with bind_socket(ServerSettings(port=0)) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_is_a_sentence() -> None:
    """The sentence has address, port and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        expected = rf"cannot listen on 127\.0\.0\.1:{port}: address already in use; stop"
        with (
            pytest.raises(ConfigurationError, match=expected),
            bind_socket(ServerSettings(port=port)),
        ):
            pass


def test_a_port_that_is_lost_at_the_last_moment_is_the_same_sentence() -> None:
    """Two sockets can be bound to one port as long as none listens; the second to listen loses."""

    def listen_late() -> None:
        with (
            bind_socket(ServerSettings(port=0)) as loser,
            socket.create_server(("127.0.0.1", loser.getsockname()[1])),
        ):
            loser.listen()

    with pytest.raises(ConfigurationError, match="address already in use"):
        listen_late()


def test_workers_can_share_a_port() -> None:
    """With reuse_port two workers listen on the same port."""
    with bind_socket(ServerSettings(port=0, reuse_port=True)) as first:
        first.listen()
        port = first.getsockname()[1]
        with bind_socket(ServerSettings(port=port, reuse_port=True)) as second:
            second.listen()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_somebody_else_is_a_sentence(host: str) -> None:
    """An address that this machine has not cannot be listened on."""
    with (
        pytest.raises(ConfigurationError, match=f"cannot listen on {host}:0"),
        bind_socket(ServerSettings(host=host)),
    ):
        pass


def test_limits_reach_the_server() -> None:
    """What the settings bound, uvicorn bounds; what clients claim in headers is not believed."""
    settings = ServerSettings(
        backlog=7, connections_max=8, keep_alive_timeout_s=9, graceful_shutdown_timeout_s=10
    )
    config = configure(ProblemApp(), settings)
    assert config.backlog == 7
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown) == (9, 10)
    assert (config.ws, config.ws_per_message_deflate) == ("none", False)
    assert (config.proxy_headers, config.server_header, config.access_log) == (False,) * 3


@pytest.mark.parametrize("error", [ConfigurationError("No."), RedisUnavailable("No.")])
def test_an_error_of_ours_ends_the_process_with_one_line(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, one line on standard error, no traceback."""
    with pytest.raises(SystemExit) as caught, exit_with_a_sentence("order-gateway"):
        raise error
    assert caught.value.code == 1
    assert capsys.readouterr().err == "order-gateway: No.\n"


def test_a_bug_is_not_hidden() -> None:
    """Only errors of ours become sentences."""
    with pytest.raises(RuntimeError), exit_with_a_sentence("order-gateway"):
        raise RuntimeError
