"""The server extension that sends kernel messages at once."""

from types import SimpleNamespace

from helpers import kernel_socket


def test_a_connection_sends_at_once_and_then_does_what_it_always_did():
    calls = []

    class Usual:
        websocket_handler = SimpleNamespace(set_nodelay=lambda value: calls.append(("nodelay", value)))

        def connect(self):
            calls.append(("connect", True))
            return "connected"

    settings = {"kernel_websocket_connection_class": Usual}
    kernel_socket._load_jupyter_server_extension(SimpleNamespace(web_app=SimpleNamespace(settings=settings)))
    assert settings["kernel_websocket_connection_class"]().connect() == "connected"
    assert calls == [("nodelay", True), ("connect", True)]
