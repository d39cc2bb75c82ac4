"""Tests for a client of an asynchronous server. docs/testing-your-client.md explains them.

The fixture `server` is in asyncpkt_fixture.py; `Client`, in conftest.py, is the class of the
client under test.
"""

import asyncio
from asyncio import to_thread

import pytest
from asyncpkt_fixture import Server

DOORS = [f"Door&&id&&{id}" for id in range(1, 6)]


async def test_order(server, Client):
    first = server.hold({"data": "Door&&id&&1"})
    second = server.hold({"data": "Door&&id&&2"})
    async with Client(server.url) as client:
        answers = asyncio.gather(client.request("Door&&id&&1"), client.request("Door&&id&&2"))
        await to_thread(first.arrived)
        await to_thread(second.arrived)
        second.release()
        first.release()
        one, two = await answers
        assert one == {"Door": {"id": "1"}}, "a request got the answer of another"
        assert two == {"Door": {"id": "2"}}


async def test_retries(server, Client):
    server.add_rule(match={}, times=1, error={"code": "overloaded"})
    async with Client(server.url) as client:
        assert await client.request("Door&&id&&1") == {"Door": {"id": "1"}}
    outcomes = [request["outcome"] for request in server.requests()]
    assert outcomes == ["error:overloaded", "answered"]


async def test_timeouts(server, Client):
    server.add_rule(match={}, delay="never")
    async with Client(server.url, timeout=0.05) as client:
        answers = asyncio.gather(client.request("Door&&id&&1"), return_exceptions=True)
        done, _ = await asyncio.wait([answers], timeout=2)
        assert done, "the client waits for ever"
        assert isinstance(answers.result()[0], asyncio.TimeoutError)


async def test_duplicates(server, Client):
    server.replace_rules([
        {"match": {"nth": 1}, "fault": "duplicate"},
        {"match": {}, "hold": True},
    ])
    second = server.hold({"nth": 2})
    async with Client(server.url, window=2) as client:
        answers = [asyncio.create_task(client.request(data)) for data in DOORS]
        await to_thread(server.received, 3)  # the first is answered twice, the next two are held
        second.release()
        await answers[1]  # by then, the client has both answers to the first
        await to_thread(server.received, 4)
    # The client is closed, so the server has read all that it sent.
    await asyncio.gather(*answers, return_exceptions=True)
    assert len(server.requests()) == 4, "more requests in flight than the window"


async def test_reconnects(server, Client):
    server.replace_rules([
        {"match": {"nth": 3}, "times": 1, "fault": "disconnect"},
        {"match": {}, "times": 2, "hold": True},
    ])
    async with Client(server.url) as client:
        answers = await asyncio.gather(*map(client.request, DOORS[:3]))
    assert answers == [{"Door": {"id": "1"}}, {"Door": {"id": "2"}}, {"Door": {"id": "3"}}]
    sent_again = server.requests(outcome="answered")
    assert [request["data"] for request in sent_again] == DOORS[:3]


async def test_cancellation(server, Client):
    held = server.hold({"data": "Door&&id&&1"})
    async with Client(server.url) as client:
        answer = asyncio.create_task(client.request("Door&&id&&1"))
        await to_thread(held.arrived)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        await client.request("Door&&id&&2")  # its answer comes after the server has read the cancel
        outcomes = [request["outcome"] for request in server.requests()]
        assert outcomes == ["cancelled", "answered"], "the server still works for nobody"


async def test_backpressure(Client):
    with Server(clock="manual") as server:
        async with Client(server.url, window=2) as client:
            answers = asyncio.gather(*map(client.request, DOORS), return_exceptions=True)
            await to_thread(server.received, 2)
            server.advance(5)  # the longest delay
            await to_thread(server.received, 4)
        await answers  # the client is closed, so the server has read all that it sent
        assert len(server.requests()) == 4, "more requests in flight than the window"
