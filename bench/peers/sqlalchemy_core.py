"""The jobs of bench/rows by SQLAlchemy core over psycopg2."""

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


def job(name, work, times=1, repeats=5):
    least = float("inf")
    work()
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - begun)
    print(f"SQLAlchemy\t{name}\t{least / times:.9f}")


def scan():
    total = 0
    for row in connection.execute(select(rows)):
        total += row.id + len(row.name) + row.age
    assert total > 0


def numbers():
    total = 0
    for row in connection.execute(select(rows.c.id, rows.c.age)):
        total += row.id + row.age
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


job("scan", scan)
job("numbers", numbers)
job("tables", lambda: [dict(row._mapping) for row in connection.execute(select(rows))])
job("point, built", by_key)
job("insert", many)
job("inserts", one_by_one)

COUNT = 1000


def build():
    for i in range(COUNT):
        query = (select(rows.c.id, rows.c.name, rows.c.age).where(rows.c.name == "Ann")
                 .order_by(rows.c.age.desc(), rows.c.id).limit(i % 50 + 1))
        compiled = query.compile(dialect=engine.dialect)
        assert str(compiled) and compiled.params


job("build", build, COUNT)
