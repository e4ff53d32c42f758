"""A TCP proxy before the database that can let connections hang half-open: nothing comes, nothing ends."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards to ``127.0.0.1:port``; use as a context manager."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._frozen: set[int] = set()
        self._pairs: dict[int, tuple[socket.socket, socket.socket]] = {}
        self.port: int = self._listener.getsockname()[1]
        self.accepting = True

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for pair in self._pairs.values():
            for end in pair:
                end.close()

    def freeze(self) -> int:
        """From now on nothing passes through the present connections, and nobody is told; returns how many."""
        self._frozen |= set(self._pairs)
        return len(self._frozen)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                number = len(self._pairs)
                self._pairs[number] = (client, server)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(number, source, target), daemon=True).start()

    def _pump(self, number: int, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if number in self._frozen:
                    return
                target.sendall(data)
        if number not in self._frozen:
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
