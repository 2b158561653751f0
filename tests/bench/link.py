"""A link of its own to every sshd: a TCP proxy that delays bytes as a long line would, and counts them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench.hosts import Endpoint


@dataclass
class Counts:
    """What went over one host's link."""

    connections: int = 0
    bytes_out: int = 0  # to the host
    bytes_in: int = 0
    turns: int = 0  # how often this side began to speak, at first or after the host had spoken
    _speaks: str = ""

    def add(self, *, out: bool, size: int) -> None:
        if out:
            self.bytes_out += size
            self.turns += self._speaks != "out"
        else:
            self.bytes_in += size
        self._speaks = "out" if out else "in"


@dataclass(frozen=True)
class Links:
    """Endpoints behind proxies, and what each has counted by its host's name."""

    endpoints: tuple[Endpoint, ...]
    counts: dict[str, Counts]


@contextmanager
def links(endpoints: Sequence[Endpoint], round_trip: float = 0.0) -> Iterator[Links]:
    """Proxies in front of these endpoints; `round_trip` in seconds, TCP's own handshake included."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    counts = {one.name: Counts() for one in endpoints}

    servers: list[asyncio.Server] = []

    async def serve(one: Endpoint) -> Endpoint:
        proxy = _Proxy(one, round_trip, counts[one.name])
        servers.append(await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=1024))
        return replace(one, address="127.0.0.1", port=servers[-1].sockets[0].getsockname()[1], home=one.host)

    try:
        found = [asyncio.run_coroutine_threadsafe(serve(one), loop).result(10) for one in endpoints]
        yield Links(tuple(found), counts)
    finally:
        asyncio.run_coroutine_threadsafe(_end(servers), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(servers: Sequence[asyncio.Server]) -> None:
    """Close what listens and what is still connected."""
    for server in servers:
        server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # transports say goodbye in the loop's next round


@dataclass(frozen=True)
class _Proxy:
    target: Endpoint
    round_trip: float
    counts: Counts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection. The server accepts when the third packet of TCP's handshake has arrived."""
        self.counts.connections += 1
        begun = asyncio.get_running_loop().time() + self.round_trip  # when the client knows that it is connected
        try:
            await asyncio.sleep(1.5 * self.round_trip)
            far_reader, far_writer = await asyncio.open_connection(self.target.address, self.target.port)
            try:
                await asyncio.gather(
                    self._carry(reader, far_writer, begun, out=True), self._carry(far_reader, writer, begun, out=False)
                )
            finally:
                far_writer.close()
        except (OSError, asyncio.CancelledError):  # the line goes with one of its ends
            pass
        finally:
            writer.close()

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, begun: float, *, out: bool
    ) -> None:
        """Pass on what comes, half a round trip after it came; then the end."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        reading = asyncio.ensure_future(self._read(source, queue, begun, out=out))
        try:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                if not data:
                    return
                target.write(data)
                await target.drain()
        except OSError:
            return
        finally:
            reading.cancel()
            target.close()

    async def _read(
        self, source: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], begun: float, *, out: bool
    ) -> None:
        data = b"-"
        while data:
            try:
                data = await source.read(262_144)
            except OSError:
                data = b""
            if data:
                self.counts.add(out=out, size=len(data))
            await queue.put((max(asyncio.get_running_loop().time(), begun) + self.round_trip / 2, data))
