"""Connections whose headers come in time: urllib3 bounds the time of each byte, not of all."""

import socket
from contextlib import suppress
from threading import Event, Timer
from typing import Any


def bounded_pools(seconds: float) -> dict[str, type]:
    """Pools for a `PoolManager` whose connections end a reply that has no body after so long."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Bounded(HTTPConnection):
        def getresponse(self) -> Any:  # noqa: ANN401 - urllib3's
            late = Event()
            timer = Timer(seconds, _hang_up, [self.sock, late])
            timer.daemon = True
            timer.start()
            try:
                response = super().getresponse()
            finally:
                timer.cancel()
            if late.is_set():  # headers that break off are headers for `http.client`
                response.close()
                self.close()
                raise TimeoutError
            return response

    class BoundedTls(Bounded, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Bounded

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = BoundedTls

    return {"http": Pool, "https": TlsPool}


def _hang_up(connection: socket.socket, late: Event) -> None:
    late.set()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
