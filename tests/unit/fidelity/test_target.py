"""Where a recorded URL leads on another server."""

from harness.backends.backend import Environment
from harness.fidelity.target import Target, of_environment

RECORDED = "ws://realtime-dev.localhost:4001/socket/websocket?apikey=x&vsn=2.0.0"
OURS = Target(address=("127.0.0.1", 5000), host="realtime-dev.localhost:5000", database="postgresql://", secret="s")


def test_the_tenants_socket_keeps_its_query() -> None:
    assert OURS.socket_url(RECORDED) == "ws://realtime-dev.localhost:5000/socket/websocket?apikey=x&vsn=2.0.0"


def test_a_wrong_host_stays_wrong() -> None:
    assert OURS.socket_url(RECORDED.replace("realtime-dev.", "nosuch.")) == (
        "ws://nosuch.localhost:5000/socket/websocket?apikey=x&vsn=2.0.0"
    )
    assert OURS.host_for("localhost:4001") == "localhost:5000"


def test_a_stack_behind_a_gateway_has_paths_of_its_own() -> None:
    stack = of_environment(
        Environment(
            api_url="https://x.example",
            db_url="postgresql://x",
            anon_key="a",
            service_role_key="b",
            jwt_secret="c",
            realtime_url="wss://x.example/realtime/v1",
            realtime_http_url="https://x.example/realtime/v1",
            app_url="http://app",
            harness_backend="project",
        )
    )

    assert stack.socket_url(RECORDED) == "wss://x.example/realtime/v1/websocket?apikey=x&vsn=2.0.0"
    assert stack.http_url("/api/broadcast") == "https://x.example:443/realtime/v1/api/broadcast"
    assert stack.shared
