"""A Jupyter Server extension that sends what a kernel says to the browser at once.

Without it each small message waits until the browser has acknowledged the one before, which on most systems takes 40 milliseconds
(Nagle's algorithm against delayed acknowledgement; Tornado's documentation of ``WebSocketHandler.set_nodelay``). A moved
control is answered by several small messages, so every explorer and every `interact` pays for the wait.

Installing the course enables it, by ``src/jupyter/etc/jupyter/jupyter_server_config.d/helpers.json``.
"""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "helpers.kernel_socket"}]


def _load_jupyter_server_extension(server) -> None:
    settings = server.web_app.settings
    usual = settings["kernel_websocket_connection_class"]

    class PromptConnection(usual):
        def connect(self):
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    settings["kernel_websocket_connection_class"] = PromptConnection
