"""A PostgreSQL for the tests whose point is the database, one for all of them, and a fresh database for each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.pipeline.app import App
from harness.pipeline.schema import schema_sql
from tests.defects.database import connected

NUMBERS = count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = asyncio.run(start_cluster())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
def database_of(cluster: Cluster) -> Callable[[App], Awaitable[str]]:
    """Makes a database with the tables of that application; returns its URL."""

    async def make(app: App) -> str:
        name = f"defects_{next(NUMBERS)}"
        async with connected(cluster.url()) as session:
            await session.execute(f"create database {name}")
        async with connected(cluster.url(name)) as session:
            await session.execute(schema_sql() + app.more_tables("public"))
        return cluster.url(name)

    return make
