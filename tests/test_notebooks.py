"""The notebooks: each page agrees with its script, carries no outputs, keeps to short functions, and runs.

The scripts are the source of truth. `python -c "from tests.test_notebooks import write_pages; write_pages()"` writes the pages anew.
"""

import ast

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tests.source import ROOT

SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
MAXIMAL_FUNCTION_LINES = 10


def page_of(script) -> nbformat.NotebookNode:
    """The notebook that a script stands for; the same on every machine: numbered cells, no version of a tool."""
    page = jupytext.read(script, fmt="py:percent")
    page.metadata = {key: page.metadata[key] for key in ("jupytext", "kernelspec")}
    page.metadata["jupytext"] = {"formats": page.metadata["jupytext"]["formats"]}
    page.nbformat, page.nbformat_minor = 4, 5
    for number, cell in enumerate(page.cells):
        cell["id"] = str(number)  # as nbstripout, which runs before each commit, has them
        cell.metadata = {}
    return page


def write_pages() -> None:
    """Writes the pages that the scripts of today stand for."""
    for script in SCRIPTS:
        nbformat.write(page_of(script), script.with_suffix(".ipynb"))


def test_each_page_has_its_script():
    assert [script.with_suffix(".ipynb") for script in SCRIPTS] == sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_page_agrees_with_its_script_and_holds_no_outputs(script):
    written = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(written)
    assert written == page_of(script)
    assert all(not cell.outputs and cell.execution_count is None for cell in written.cells if cell.cell_type == "code")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_functions_are_short(script):
    functions = [node for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)]
    lengths = {function.name: function.end_lineno - function.lineno + 1 for function in functions}
    assert {name: length for name, length in lengths.items() if length > MAXIMAL_FUNCTION_LINES} == {}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_grid_is_the_end_of_its_cell(script):
    # The functions of `visualize` return closed figures: a notebook shows what the last line of a cell returns, and nothing else.
    for cell in page_of(script).cells:
        if cell.cell_type == "code":
            *others, _ = ast.parse(cell.source).body
            unseen = [ast.unparse(line) for line in others if isinstance(line, ast.Expr) and ast.unparse(line).startswith("visualize.")]
            assert not unseen, f"{script.name} draws and never shows {unseen}"


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_page_runs_from_top_to_bottom_and_draws_figures(script, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_INPAINT_SMOKE", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    page = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    NotebookClient(page, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in page.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert [path.name for path in tmp_path.iterdir() if path.name != "ipython"] == []
