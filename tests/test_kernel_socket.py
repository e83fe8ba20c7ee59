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


def test_installing_the_course_enables_it():
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    found = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()
    assert found["helpers.kernel_socket"] is True
