"""`python -m order_gateway`: read the settings, then serve until SIGINT or SIGTERM."""

from order_gateway.app import create_app
from order_gateway.health import SERVICE
from order_gateway.settings import PREFIX, GatewaySettings
from tapewire.log import configure_logging
from tapewire.serving import exit_with_a_sentence, serve
from tapewire.settings import load_settings


def main() -> None:
    """Run one gateway process; exits with status 1 and one sentence if it cannot start."""
    with exit_with_a_sentence(SERVICE):
        settings = load_settings(GatewaySettings, PREFIX)
        configure_logging(settings.venue.log_level, SERVICE)
        serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
