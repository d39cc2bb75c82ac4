"""The plain program on Python, with websockets. Arguments: port, and "delays" or "none"."""

import asyncio
import json
import sys

import websockets


def delay_of(request_id):
    return (1000 + (int(request_id, 16) * 0x9E3779B1 & 0xFFFFFFFF) % 4001) / 1000


def add(entry, name, value):
    if name not in entry:
        entry[name] = value
    elif isinstance(entry[name], list):
        entry[name].append(value)
    else:
        entry[name] = [entry[name], value]


def convert(data):
    entities = {}
    for part in data.split("%%"):
        name, *tokens = part.split("&&")
        entity = {}
        for key, value in zip(tokens[::2], tokens[1::2]):
            if key and value:
                add(entity, key, value)
        if name and entity:
            add(entities, name, entity)
    return entities


def answer(request):
    return {"request_id": request["request_id"], "data": convert(request["data"])}


def dump(value):
    return json.dumps(value, separators=(",", ":"))


async def answer_late(socket, request):
    await asyncio.sleep(delay_of(request["request_id"]))
    await socket.send(dump(answer(request)))


async def serve(socket, _path=None):
    tasks = set()
    async for text in socket:
        packet = json.loads(text)
        requests = packet if isinstance(packet, list) else [packet]
        if not delays:
            answers = [answer(request) for request in requests]
            await socket.send(dump(answers if isinstance(packet, list) else answers[0]))
            continue
        for request in requests:
            task = asyncio.create_task(answer_late(socket, request))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), compression=None):
        await asyncio.Future()


delays = sys.argv[2] == "delays"
asyncio.run(main())
