"""A pytest fixture that starts asyncpkt, and a class that steers it.

Copy this file beside your tests, and import the fixture in conftest.py:

    from asyncpkt_fixture import asyncpkt_process, server

The environment variable ASYNCPKT is the command line of the program, such as
"npx asyncpkt"; without it, the program is `asyncpkt` on the PATH.
"""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest


class Server:
    """A server in a process of its own, which ends with the test's.

    Takes flags of `asyncpkt serve` by name: Server(delay=0, clock="manual"). Times are in
    seconds, as they are in rules and in journal entries.
    """

    def __init__(self, token=None, **flags):
        command = shlex.split(os.environ.get("ASYNCPKT", "asyncpkt"))
        command += "serve --port=0 --control --log-format=json --quiet --exit-with-stdin".split()
        # Answers in flight are of no use when a test has ended.
        command += ["--drain-timeout=1ms"]
        for name, value in flags.items():
            flag = "--" + name.replace("_", "-")
            command.append(flag if value is True else f"{flag}={value}")
        env = {name: value for name, value in os.environ.items() if name != "ASYNCPKT_TOKEN"}
        if token is not None:
            env["ASYNCPKT_TOKEN"] = token
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        first_line = self._process.stdout.readline()
        if not first_line:
            raise RuntimeError(self._process.communicate()[1].decode().strip())
        listening = json.loads(first_line)
        #: Such as "ws://127.0.0.1:41233".
        self.url = listening["url"]
        #: URL of the control API, such as "http://127.0.0.1:41233/control".
        self.control = listening["control"]
        self._headers = {}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the server, and its connections with it."""
        self._process.communicate()

    def hold(self, match=None):
        """Holds the requests that match from now on, until they are released."""
        return Hold(self, self.call("POST", "/hold", {"match": match or {}})["number"])

    def release(self, ids=None):
        """Answers held requests in this order; without ids, all of them."""
        return self.call("POST", "/release", {} if ids is None else {"ids": ids})

    def requests(self, **filter):
        """Returns the requests that match, such as requests(outcome="held")."""
        return self.call("GET", "/requests?" + urllib.parse.urlencode(filter))

    def received(self, count, timeout=5, **filter):
        """Waits until so many requests have arrived, and returns them."""
        return self.call("POST", "/requests/wait", {"count": count, "timeout": timeout, **filter})

    def rules(self):
        """Returns the rules, in the order in which they are tried."""
        return self.call("GET", "/rules")

    def replace_rules(self, rules):
        """Replaces all rules."""
        return self.call("PUT", "/rules", rules)

    def add_rule(self, **rule):
        """Adds a rule before all others, as add_rule(match={"id": "A"}, delay=3); returns its number."""
        return self.call("POST", "/rules", rule)[0]["number"]

    def enable_rule(self, number, enabled=True):
        """Turns a rule on or off."""
        return self.call("PATCH", f"/rules/{number}", {"enabled": enabled})

    def remove_rule(self, number):
        """Removes a rule."""
        self.call("DELETE", f"/rules/{number}")

    def clock(self):
        """Returns the state of the clock."""
        return self.call("GET", "/clock")

    def advance(self, seconds):
        """Moves the clock "manual", and returns the requests that were answered by it."""
        return self.call("POST", "/clock", {"advance": seconds})

    def advance_to_next(self):
        """Moves the clock to the next request that is due; returns what was answered by it."""
        return self.call("POST", "/clock", {"to": "next"})

    def settings(self, **changes):
        """Changes settings for requests that arrive from now on; returns them all."""
        return self.call("PATCH", "/settings", changes)

    def connections(self):
        """Returns the open connections."""
        return self.call("GET", "/connections")

    def close_connection(self, number, code=None):
        """Closes a connection with a code, or resets it without."""
        ending = {"reset": True} if code is None else {"close": code}
        self.call("POST", f"/connections/{number}", ending)

    def reset(self):
        """Drops all requests in flight. Rules, counts, journal and settings are as at the start."""
        self.call("POST", "/reset")

    def call(self, method, path, body=None):
        """Calls the control API; raises a ValueError with its message if it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.control + path, data, self._headers, method=method
        )
        try:
            with self._opener.open(request) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            message = json.loads(text)["error"] if text.startswith("{") else text.strip()
            raise ValueError(message) from None
        return json.loads(text) if text else None


class Hold:
    """The requests that match a rule, held until they are released."""

    def __init__(self, server, number):
        self._server = server
        self._number = number

    def arrived(self, count=1, timeout=5):
        """Waits until so many requests are held, and returns them."""
        return self._server.received(count, timeout, rule=self._number)

    def release(self, *ids):
        """Answers requests in this order; without ids, all of them in order of arrival."""
        which = {"rule": self._number}
        return self._server.call("POST", "/release", {**which, "ids": ids} if ids else which)

    def remove(self):
        """Holds no more requests."""
        self._server.remove_rule(self._number)


@pytest.fixture(scope="session")
def asyncpkt_process():
    """A server for all tests."""
    with Server(delay=0) as server:
        yield server


@pytest.fixture
def server(asyncpkt_process):
    """The server, as at its start."""
    asyncpkt_process.reset()
    return asyncpkt_process
