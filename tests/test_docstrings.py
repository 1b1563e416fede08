"""Each public function says what goes in, what comes out and what it raises; each class and module says what it is."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.source import own_statements, package_sources

# Methods that Keras or Python define: their meaning is known, the class describes what is particular.
KNOWN_METHODS = {
    "build", "call", "get_config", "from_config", "compute_output_shape", "compute_output_spec", "train_step", "test_step",
    "predict_step", "update_state", "result", "reset_state", "reset_states",
}  # fmt: skip
# What the two functions of each command module take and give is described once, in cli/main.py; each says in a sentence what it does.
COMMAND_FUNCTIONS = {"add_parser", "run"}


def find_gaps(module: str, text: str, inherited: frozenset = frozenset()) -> list[str]:
    """Says which public things of a module lack which part of a docstring.

    A method named in `inherited` may do without one in a class with a base: it is described there.
    """
    tree = ast.parse(text)
    gaps = [] if ast.get_docstring(tree) else [f"{module}: no module docstring"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            if module.startswith("tf_inpaint.cli.") and node.name in COMMAND_FUNCTIONS and ast.get_docstring(node):
                continue
            gaps += [f"{module}.{node.name}: {gap}" for gap in _function_gaps(node)]
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                gaps.append(f"{module}.{node.name}: no docstring")
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not _is_known(method):
                    if node.bases and method.name in inherited and not ast.get_docstring(method):
                        continue
                    gaps += [f"{module}.{node.name}.{method.name}: {gap}" for gap in _function_gaps(method)]
    return gaps


def _is_known(method: ast.FunctionDef) -> bool:
    return (
        method.name.startswith(("_", "on_"))
        or method.name in KNOWN_METHODS
        or any(isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter") for decorator in method.decorator_list)
    )


def _function_gaps(function: ast.FunctionDef) -> Iterator[str]:
    docstring = ast.get_docstring(function)
    if not docstring:
        yield "no docstring"
        return
    if any(isinstance(decorator, ast.Name) and "property" in decorator.id for decorator in function.decorator_list):
        return  # a property reads like a value: one sentence
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs) if a.arg not in ("self", "cls")]
    if names and "Args:" not in docstring:
        yield "no `Args:`"
    for name in names:
        if "Args:" in docstring and not re.search(rf"\b{name}\b", docstring.split("Args:", 1)[1]):
            yield f"`Args:` does not name `{name}`"
    body = list(own_statements(function))
    returns = any(isinstance(node, ast.Return) and node.value is not None for node in body)
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in body)
    # Without arguments one sentence can say what comes out, as can a summary that begins with "Returns".
    is_said = (not names and "\n" not in docstring) or docstring.startswith(("Returns ", "Yields "))
    if (returns or yields) and not (is_said or "Returns:" in docstring or "Yields:" in docstring):
        yield "no `Returns:`"
    raises = any(isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" not in ast.dump(node) for node in body)
    if raises and "Raises:" not in docstring:
        yield "no `Raises:`"


def _described_methods(texts: Iterable[str]) -> frozenset:
    """Names of all methods that some class describes."""
    classes = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    methods = [node for owner in classes for node in owner.body if isinstance(node, ast.FunctionDef)]
    return frozenset(method.name for method in methods if ast.get_docstring(method))


SOURCES = package_sources()
DESCRIBED_METHODS = _described_methods(SOURCES.values())


@pytest.mark.parametrize("module", SOURCES)
def test_everything_public_is_described(module):
    assert find_gaps(module, SOURCES[module], DESCRIBED_METHODS) == []


def test_only_a_subclass_inherits_a_description():
    base = '"""M."""\nclass A:\n    """A."""\n    def f(self):\n        """Does."""\n'
    inherited = _described_methods([base])
    assert find_gaps("tf_inpaint.planted", base + 'class B(A):\n    """B."""\n    def f(self): pass', inherited) == []
    assert len(find_gaps("tf_inpaint.planted", base + 'class B:\n    """B."""\n    def f(self): pass', inherited)) == 1


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("x = 1", "no module docstring"),
        ('"""M."""\ndef f(): pass', "f: no docstring"),
        ('"""M."""\nclass C: pass', "C: no docstring"),
        ('"""M."""\nclass C:\n    """C."""\n    def f(self): pass', "C.f: no docstring"),
        ('"""M."""\ndef f(a):\n    """Does."""', "no `Args:`"),
        ('"""M."""\ndef f(a, *, b):\n    """Does.\n\n    Args:\n        a: one.\n    """', "does not name `b`"),
        ('"""M."""\ndef f(a):\n    """Does.\n\n    Args:\n        a: one.\n    """\n    return 1', "no `Returns:`"),
        ('"""M."""\ndef f():\n    """Does."""\n    if x:\n        raise ValueError("no")', "no `Raises:`"),
    ],
)
def test_a_planted_gap_is_found(text, gap):
    found = find_gaps("tf_inpaint.planted", text)
    assert len(found) == 1 and gap in found[0]


def test_a_function_of_a_command_is_described_in_a_sentence():
    silent = '"""M."""\ndef add_parser(subparsers): pass\ndef run(args): return 0'
    told = '"""M."""\ndef add_parser(subparsers):\n    """Adds."""\ndef run(args):\n    """Does; returns 0."""\n    return 0'
    assert find_gaps("tf_inpaint.cli.planted", silent) == [f"tf_inpaint.cli.planted.{name}: no docstring" for name in ("add_parser", "run")]
    assert find_gaps("tf_inpaint.cli.planted", told) == []
    assert len(find_gaps("tf_inpaint.planted", told)) == 3  # elsewhere such a function says what it takes and returns


def test_what_is_complete_or_private_has_no_gap():
    text = '''"""M."""
def f(a):
    """Does.

    Args:
        a: one.

    Returns:
        Two.

    Raises:
        ValueError: never.
    """
    def inner(): return 3
    if a:
        raise ValueError("no")
    return 2

def _g(a): return 1

class C:
    """C."""
    @property
    def size(self):
        """Its size."""
        return 1
    def call(self, x): return x
'''
    assert find_gaps("tf_inpaint.planted", text) == []
