"""The client under test in docs/testing-your-client.md, with the package websockets."""

import asyncio
import itertools
import json

import websockets


class Client:
    """Sends requests over one connection, and connects again when it is lost.

    `timeout` is in seconds; `window` limits how many requests are in flight.
    """

    def __init__(self, url, timeout=5, attempts=3, window=100):
        self.url = url
        self.timeout = timeout
        self.attempts = attempts
        self.slots = asyncio.Semaphore(window)
        self.ids = itertools.count(1)
        self.in_flight = {}  # by id: data, and a future for the answer
        self.socket = None
        self.is_closed = False

    async def __aenter__(self):
        self.connection = asyncio.create_task(self.stay_connected())
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def request(self, data):
        """Returns the converted data. While the server is overloaded, it tries again later."""
        for attempt in itertools.count(1):
            try:
                return await asyncio.wait_for(self.attempt(data), self.timeout)
            except RuntimeError as error:
                if attempt == self.attempts or not self.is_temporary(error):
                    raise
            await asyncio.sleep(0.01 * 2**attempt)

    async def attempt(self, data):
        async with self.slots:
            if self.is_closed:
                raise ConnectionError("the client was closed")
            id = str(next(self.ids))
            answer = asyncio.get_running_loop().create_future()
            self.in_flight[id] = data, answer
            try:
                await self.send({"request_id": id, "data": data})
                return await answer
            except asyncio.CancelledError:  # by the caller, or after the time-out
                self.in_flight.pop(id, None)
                await self.cancel(id)
                raise

    async def close(self):
        """Closes the connection; requests without an answer fail."""
        self.is_closed = True
        if self.socket:
            await self.socket.close()
        self.connection.cancel()
        self.fail(ConnectionError("the client was closed"))

    async def stay_connected(self):
        while not self.is_closed:
            try:
                async with websockets.connect(self.url) as self.socket:
                    for id, (data, _) in list(self.in_flight.items()):
                        await self.send({"request_id": id, "data": data})
                    async for frame in self.socket:
                        self.receive(json.loads(frame))
            except (OSError, websockets.WebSocketException):
                pass
            self.disconnected()
            await asyncio.sleep(0.1)

    def receive(self, answer):
        _, future = self.in_flight.pop(answer["request_id"], (None, None))
        if future is None:
            return  # its second answer, or it was given up
        if "error" in answer:
            future.set_exception(RuntimeError(answer["error"]["code"]))
        else:
            future.set_result(answer["data"])

    async def send(self, packet):
        try:
            if self.socket:
                await self.socket.send(json.dumps(packet))
        except websockets.ConnectionClosed:
            pass  # stay_connected() sends it again

    async def cancel(self, id):
        await self.send({"request_id": id, "cancel": True})

    def disconnected(self):
        pass  # the next connection sends what is in flight

    def fail(self, error):
        for _, future in self.in_flight.values():
            future.set_exception(error)
        self.in_flight.clear()

    def is_temporary(self, error):
        return str(error) == "overloaded"
