"""Fixtures for all tests in this folder."""

import asyncio
import inspect

import pytest
import wrong_clients
from asyncpkt_fixture import asyncpkt_process, server  # noqa: F401
from client import Client as RightClient

#: The bugs that the recipes find.
WRONG_CLIENTS = {
    "test_order": wrong_clients.AssumesOrder,
    "test_retries": wrong_clients.NeverRetries,
    "test_timeouts": wrong_clients.NeverTimesOut,
    "test_duplicates": wrong_clients.CountsAnswers,
    "test_reconnects": wrong_clients.NeverResends,
    "test_cancellation": wrong_clients.NeverCancels,
    "test_backpressure": wrong_clients.Floods,
}


def pytest_addoption(parser):
    parser.addoption("--wrong", action="store_true", help="run the recipes with wrong clients")


@pytest.fixture
def Client(request):
    """The class of the client under test: yours, in your tests."""
    return WRONG_CLIENTS[request.node.name] if request.config.option.wrong else RightClient


def pytest_pyfunc_call(pyfuncitem):
    """Runs tests that are coroutines, as the package pytest-asyncio would."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True
