"""The house's own rules on size, imports, ignores, environment and clock, read from the syntax trees."""

import ast
import re

from tests.architecture.checkout import (
    HOUSES,
    PURE,
    comments,
    functions,
    names_used,
    python_files,
    text,
    tree,
)

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
READERS = re.compile(r"^os\.(environb?|getenvb?)\b")
WALL = re.compile(r"^(time\.(time|time_ns|localtime|gmtime|ctime)|datetime(\.datetime|\.date)?\.(now|utcnow|today))$")
CLOCKS = re.compile(r"^time(\..*)?$")
MAY_READ_THE_CLOCK = {"custody/kernel/system_clock.py", "devicelock/mqtt.py"}
SQL = re.compile(r"^(sqlalchemy|sqlmodel|custody\.store\.bulk)\b(?!\.(Engine|Session|exc)\b)")
STORES_OF_API = ("api/people/", "api/migrations/")
"""Accounts and sessions are the doors' own tables."""
IGNORES = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore|pyright:\s*ignore|pragma:\s*no\s*cover)"
    r"(?:\[[^\]]*\]|:\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)?"
)


def test_files_are_at_most_400_lines_long() -> None:
    lengths = {name: text(name).count("\n") for name in [*python_files(*HOUSES), "dev.py"]}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_at_most_60_lines_long() -> None:
    long = [
        f"{name}:{function.lineno} {function.name}: {function.end_lineno - function.lineno + 1} lines"
        for name in python_files(*HOUSES)
        if "/migrations/versions/" not in name  # a migration is a list of steps, written once and never changed
        for function in functions(name)
        if function.end_lineno and function.end_lineno - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_nothing_is_imported_inside_a_function() -> None:
    inside = {
        f"{name}:{node.lineno}"
        for name in python_files()
        for function in functions(name)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert inside == set()


def test_every_ignored_warning_has_its_reason_beside_it() -> None:
    bare = []
    for name in python_files():
        for line, comment in comments(name):
            found = IGNORES.search(comment)
            if found and not re.search(r"[A-Za-z]{3}", IGNORES.sub("", comment)):
                bare.append(f"{name}:{line} {comment}")
    assert bare == []


def test_every_rule_switched_off_in_pyproject_has_its_reason_beside_it() -> None:
    lines = text("pyproject.toml").splitlines()
    bare = [line for line in lines if re.match(r'\s+"[A-Z]+\d+",', line) and not re.search(r"#\s*\w+ \w+", line)]
    assert bare == []


def test_one_file_reads_the_environment() -> None:
    readers = {
        f"{name}:{line} {used}"
        for name in python_files(*HOUSES)
        if name != "api/environment.py"
        for line, used in names_used(name)
        if READERS.match(used)
    }
    assert readers == set()


def test_nobody_below_the_doors_reads_the_wall_clock() -> None:
    readers = {
        f"{name}:{line} {used}"
        for name in python_files("custody", "devicelock")
        if name not in MAY_READ_THE_CLOCK
        for line, used in names_used(name)
        if WALL.match(used)
    }
    assert readers == set()


def test_pure_rooms_read_no_clock_of_any_kind() -> None:
    readers = {
        f"{name}:{line} {used}"
        for name in python_files("custody", "devicelock")
        if name.startswith(PURE) and name not in MAY_READ_THE_CLOCK
        for line, used in names_used(name)
        if CLOCKS.match(used)
    }
    assert readers == set()


def test_doors_ask_the_store_by_name_and_write_no_sql() -> None:
    written = {
        f"{name}:{line} {used}"
        for name in python_files("api")
        if not name.startswith(STORES_OF_API)
        for line, used in names_used(name)
        if SQL.match(used)
    }
    assert written == set()


def test_package_files_hold_one_docstring_and_nothing_else() -> None:
    talkative = [
        name
        for name in python_files(*HOUSES)
        if name.endswith("/__init__.py") and (len(tree(name).body) != 1 or not ast.get_docstring(tree(name)))
    ]
    assert talkative == []


def test_every_module_begins_with_its_docstring() -> None:
    silent = [name for name in python_files(*HOUSES) if not ast.get_docstring(tree(name))]
    assert silent == []
