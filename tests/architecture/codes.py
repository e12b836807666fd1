"""Under which errors each code is raised, read from the syntax trees of every room but the commands.

A code may come to an error as text, as a constant, or as an argument of the function (or a field of the value) that
makes the error; then every call of that function is looked at. A code that one error takes over from another is found
where the first is made.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from custody.kernel.errors import Trouble
from tests.architecture.checkout import python_files, tree

KINDS = frozenset(kind.__name__ for kind in Trouble.__subclasses__())
COMMANDS = "api/cli/"
FORMS = "api/pages/"
"""A form may refuse a field under the field's own name, which stands in a table; it is the only unknown code."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def raised() -> tuple[dict[str, set[str]], list[str]]:
    """The kinds of errors by code, and the places whose code could not be made out."""
    kinds: dict[str, set[str]] = defaultdict(set)
    unknown = []
    for name in rooms():
        for node, around in _walk(tree(name), ()):
            for kind, code in _made(node):
                try:
                    for value in _values(code, name, around):
                        kinds[value].add(kind)
                except LookupError:
                    if not name.startswith(FORMS):
                        unknown.append(f"{name}:{code.lineno} {ast.unparse(code)}")
    return kinds, unknown


@cache
def rooms() -> tuple[str, ...]:
    """The files whose errors can leave as problems; a command prints its own."""
    return tuple(name for name in python_files("custody", "devicelock", "api") if not name.startswith(COMMANDS))


def _made(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The kind and the code of an error that is made here, or of a row of a table that says which to make."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
        yield node.func.id, node.args[0]
    if isinstance(node, ast.Tuple):
        for kind, code in zip(node.elts, node.elts[1:], strict=False):
            if isinstance(kind, ast.Name) and kind.id in KINDS and isinstance(code, ast.Constant):
                yield kind.id, code


def _values(code: ast.expr, name: str, around: tuple[ast.AST, ...]) -> Iterator[str]:
    if isinstance(code, ast.Constant) and isinstance(code.value, str):
        yield code.value
    elif isinstance(code, ast.Attribute) and code.attr == "code":
        if isinstance(code.value, ast.Name) and code.value.id == "self":
            maker = next(node for node in around if isinstance(node, ast.ClassDef))
            yield from _given(maker.name, code.attr, None)
    elif isinstance(code, ast.Name):
        for function in (node for node in reversed(around) if isinstance(node, Function)):
            names = [given.arg for given in (*function.args.posonlyargs, *function.args.args)]
            if code.id in {*names, *(given.arg for given in function.args.kwonlyargs)}:
                yield from _given(function.name, code.id, names.index(code.id) if code.id in names else None)
                return
        yield _constant(code.id, name)
    else:
        raise LookupError(ast.unparse(code))


def _given(maker: str, argument: str, place: int | None) -> Iterator[str]:
    """What every call of a function gives it for an argument."""
    for name, call, around in _calls()[maker]:
        given = [each.value for each in call.keywords if each.arg == argument]
        if not given and place is not None and place < len(call.args):
            given = [call.args[place]]
        for each in given:
            yield from _values(each, name, around)


@cache
def _calls() -> dict[str, list[tuple[str, ast.Call, tuple[ast.AST, ...]]]]:
    calls = defaultdict(list)
    for name in rooms():
        for node, around in _walk(tree(name), ()):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                calls[called].append((name, node, around))
    return calls


def _constant(wanted: str, name: str) -> str:
    """The text of a constant of a module, of its own or imported."""
    for node in tree(name).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == wanted for to in node.targets):
            if isinstance(node.value, ast.Constant):
                return str(node.value.value)
        elif isinstance(node, ast.ImportFrom) and any(alias.name == wanted for alias in node.names):
            return _constant(wanted, f"{node.module}.py".replace(".", "/").replace("/py", ".py"))
    raise LookupError(wanted)


def _walk(node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node below this one, with the functions and classes that it stands in."""
    inside = (*around, node) if isinstance(node, Function | ast.ClassDef) else around
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _walk(child, inside)
