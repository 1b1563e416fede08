"""The source of the package as syntax trees, for the tests of its conventions. Reads files, imports nothing."""

import ast
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "tf_inpaint"


def package_sources() -> dict[str, str]:
    """Module name (`tf_inpaint.ops.image`) -> source text, for all modules of the package."""
    sources = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        sources[module_name(path)] = path.read_text(encoding="utf-8")
    return sources


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def committed_files() -> list[pathlib.Path]:
    """All files that git knows; in a copy without git, all that a checkout would hold."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    folders = [ROOT / name for name in (PACKAGE, "tests", "tools", "notebooks", ".ci")]
    paths = list(ROOT.glob("*")) + [path for folder in folders for path in folder.rglob("*")]
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def own_statements(function: ast.AST):
    """Walks a function's body without the functions and classes nested in it."""
    pending = list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
