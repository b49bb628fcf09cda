"""The builder's and the rows' jobs by SQLAlchemy core over psycopg2."""

import os
import re
import time

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

dsn = dict(re.findall(r"(\w+)=(\S+)", os.environ["MOONPOOL_PRIMARY"]))
url = f"postgresql+psycopg2://{dsn['user']}@/{dsn['dbname']}?host={dsn['host']}&port={dsn['port']}"
engine = create_engine(url)
meta = MetaData()
rows = Table("bench_rows", meta, Column("id", Integer), Column("name", String), Column("age", Integer))
sink = Table("bench_sink", meta, Column("id", Integer), Column("name", String), Column("age", Integer))
connection = engine.connect()


def best(name, work, repeats=5):
    least = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - begun)
    print(f"  {'SQLAlchemy core':<16} {name:<44} {least * 1e3:9.2f} ms")
    return least


def scan():
    total = 0
    for row in connection.execute(select(rows)):
        total += row.id + len(row.name) + row.age
    assert total > 0


def by_key():
    for i in range(1, 2001):
        assert connection.execute(select(rows).where(rows.c.id == i)).first().id == i


def many():
    with connection.begin():
        values = [{"id": i, "name": f"name {i}", "age": i % 90} for i in range(1, 1001)]
        connection.execute(insert(sink).values(values))


def one_by_one():
    with connection.begin():
        for i in range(1, 1001):
            connection.execute(insert(sink), {"id": i, "name": f"name {i}", "age": i % 90})


best("scan, every column read", scan)
best("scan into tables", lambda: [dict(row._mapping) for row in connection.execute(select(rows))])
best("2,000 selects by key, one after the other", by_key)
best("1,000 rows inserted by one statement", many)
best("1,000 rows inserted one by one, in a transaction", one_by_one)

COUNT = 3000


def build():
    for i in range(COUNT):
        query = (select(rows.c.id, rows.c.name, rows.c.age).where(rows.c.name == "Ann")
                 .order_by(rows.c.age.desc(), rows.c.id).limit(i % 50 + 1))
        compiled = query.compile(dialect=engine.dialect)
        assert str(compiled) and compiled.params


begun = time.perf_counter()
build()
print(f"  {'SQLAlchemy core':<16} {'builder, statements a second':<44} {COUNT / (time.perf_counter() - begun):9.0f} /s")
