"""Tests of a client, here of two functions with the package websockets."""

import asyncio
import json

import websockets

from asyncpkt_fixture import Server


async def ask_all(url, packets):
    """The client under test: returns the answers by id."""
    async with websockets.connect(url) as socket:
        for id, data in packets.items():
            await socket.send(json.dumps({"request_id": id, "data": data}))
        answers = [json.loads(await socket.recv()) for _ in packets]
        return {answer["request_id"]: answer["data"] for answer in answers}


async def ask_with_retry(url, data, timeout):
    """The client under test: asks again, under a new id, until an answer arrives."""
    async with websockets.connect(url) as socket:
        for id in range(1, 4):
            await socket.send(json.dumps({"request_id": id, "data": data}))
            try:
                return json.loads(await asyncio.wait_for(socket.recv(), timeout))["data"]
            except asyncio.TimeoutError:
                pass
        raise TimeoutError("no answer after three attempts")


def test_answers_arrive_in_another_order(server):
    held = server.hold()

    async def run():
        asking = asyncio.create_task(ask_all(server.url, {"A": "Door&&id&&1", "B": "Hub&&id&&2"}))
        await asyncio.to_thread(held.arrived, 2)
        await asyncio.to_thread(held.release, "B", "A")
        return await asking

    answers = asyncio.run(run())
    assert list(answers) == ["B", "A"]
    assert answers == {"A": {"Door": {"id": "1"}}, "B": {"Hub": {"id": "2"}}}


def test_the_client_asks_again(server):
    server.add_rule(match={"entity": "Hub"}, then=[{"fault": "drop"}, {"delay": 0}])
    answer = asyncio.run(ask_with_retry(server.url, "Hub&&id&&1", timeout=0.5))
    assert answer == {"Hub": {"id": "1"}}
    assert [request["outcome"] for request in server.requests()] == ["dropped", "answered"]


def test_an_hour_takes_no_time():
    with Server(clock="manual", delay="1h") as server:

        async def run():
            asking = asyncio.create_task(ask_all(server.url, {"A": "Hub&&id&&1"}))
            await asyncio.to_thread(server.received, 1)
            await asyncio.to_thread(server.advance, 3600)
            return await asking

        assert asyncio.run(run()) == {"A": {"Hub": {"id": "1"}}}
