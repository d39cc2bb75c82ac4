"""Clients with one bug each, which the tests in recipes.py find."""

from client import Client


class AssumesOrder(Client):
    """Takes each answer for that of the oldest request."""

    def receive(self, answer):
        oldest = next(iter(self.in_flight), None)
        super().receive({**answer, "request_id": oldest})


class NeverRetries(Client):
    """Fails when the server is overloaded for a moment."""

    def is_temporary(self, error):
        return False


class NeverTimesOut(Client):
    """Waits for an answer without a limit."""

    def __init__(self, url, timeout=None, **options):
        super().__init__(url, timeout=None, **options)


class CountsAnswers(Client):
    """Counts each answer, and so one that comes twice, as the end of a request."""

    def receive(self, answer):
        if answer["request_id"] not in self.in_flight:
            self.slots.release()
        super().receive(answer)


class NeverResends(Client):
    """Connects again, but does not send again what was in flight."""

    def disconnected(self):
        self.fail(ConnectionError("connection lost"))


class NeverCancels(Client):
    """Gives up on a request without telling the server."""

    async def cancel(self, id):
        pass


class Floods(Client):
    """Sends all requests at once."""

    def __init__(self, url, window=None, **options):
        super().__init__(url, window=1_000_000, **options)
