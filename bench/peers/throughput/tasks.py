"""Tasks side by side by asyncpg or psycopg 3: tasks.py asyncpg|psycopg"""

import asyncio
import os
import re
import sys
import time

DSN = dict(re.findall(r"(\w+)=(\S+)", os.environ["MOONPOOL_PRIMARY"]))
TASKS = int(os.environ["BENCH_TASKS"])
EACH = int(os.environ["BENCH_EACH"])
MOST = int(os.environ["BENCH_CONNECTIONS"])
POINT = os.environ["BENCH_POINT"]


async def by_asyncpg():
    import asyncpg

    pool = await asyncpg.create_pool(
        host=DSN["host"], port=int(DSN["port"]), user=DSN["user"], database=DSN["dbname"], min_size=MOST, max_size=MOST
    )

    async def ask(key):
        return (await pool.fetchrow(POINT, key))["id"]

    return "asyncpg", ask, pool.close


async def by_psycopg():
    import psycopg

    free = asyncio.Queue()
    for _ in range(MOST):
        free.put_nowait(await psycopg.AsyncConnection.connect(os.environ["MOONPOOL_PRIMARY"], autocommit=True))
    text = POINT.replace("$1", "%s")

    async def ask(key):
        connection = await free.get()
        try:
            cursor = await connection.execute(text, (key,), prepare=True)
            return (await cursor.fetchone())[0]
        finally:
            free.put_nowait(connection)

    async def close():
        while not free.empty():
            await free.get_nowait().close()

    return "psycopg 3", ask, close


async def main():
    name, ask, close = await (by_asyncpg() if sys.argv[1] == "asyncpg" else by_psycopg())

    async def task(start, count):
        for i in range(count):
            key = (start * 7919 + i * 31) % 10000 + 1
            assert await ask(key) == key

    async def everyone(count):
        await asyncio.gather(*(task(i, count) for i in range(TASKS)))

    await everyone(20)
    begun = time.perf_counter()
    await everyone(EACH)
    seconds = time.perf_counter() - begun
    print(f"{TASKS * EACH / seconds:.0f} {name}")
    await close()


asyncio.run(main())
