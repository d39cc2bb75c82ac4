from asyncpkt_fixture import asyncpkt_process, server  # noqa: F401
