"""A column of values reaches PostgreSQL as it is, whatever stands in it, and in no more bytes than it has."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer

from custody.store.column_arrays import as_array
from tests.servers.postgres import PostgresServer

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
COLUMNS = {
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "BYTEA": st.binary(max_size=40),
    "VARCHAR": TEXTS,
    "TEXT": TEXTS,
    "BOOLEAN": st.booleans(),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_as_it_was_given(postgres_server: PostgresServer, kind: str) -> None:
    with postgres_server.connect() as connection:

        @settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(values=st.lists(st.none() | COLUMNS[kind], max_size=9))
        def comes_back(values: list[Any]) -> None:
            (found,) = connection.execute(f"SELECT %s::{kind}[]", (as_array(kind, values),)).fetchone() or ()  # type: ignore[call-overload]  # the text is ours
            assert found == values

        comes_back()


def test_what_no_column_of_that_kind_holds_is_refused(postgres_server: PostgresServer) -> None:
    with postgres_server.connect() as connection, pytest.raises(psycopg.DataError):
        connection.execute("SELECT %s::TEXT[]", (as_array("TEXT", ["a\0b"]),))


def test_texts_go_in_the_encoding_of_the_connection(postgres_server: PostgresServer) -> None:
    with postgres_server.connect() as connection:
        connection.execute("SET client_encoding = 'LATIN1'")
        found = connection.execute("SELECT convert_to(unnest(%s::TEXT[]), 'UTF8')", (as_array("TEXT", ["né"]),))
        assert found.fetchone() == ("né".encode(),)


def test_bytes_go_as_they_are_and_not_in_digits() -> None:
    (sent,) = Transformer().dump_sequence([as_array("BYTEA", [bytes(100)] * 50)], [PyFormat.AUTO])
    assert sent is not None
    assert len(sent) == 20 + 50 * (4 + 100)
