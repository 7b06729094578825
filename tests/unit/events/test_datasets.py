"""The number of a dataset: one for each project and sandbox, made and taken apart in one place."""

import ast
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from shape import SERVER
from shopalytic_server.domain.datasets import Dataset


@given(st.integers(min_value=1, max_value=2**30 - 1), st.booleans())
def test_a_dataset_gives_back_the_project_and_whether_it_is_the_sandbox(project: int, sandbox: bool) -> None:
    dataset = Dataset.of(project, sandbox)
    assert (dataset.project_id, dataset.is_sandbox) == (project, sandbox)
    assert dataset in Dataset.both(project)
    assert dataset < 2**31


def test_no_other_module_makes_the_number_or_takes_it_apart() -> None:
    own = SERVER / "shopalytic_server" / "domain" / "datasets.py"
    found = [
        f"{path.relative_to(SERVER)}:{line}"
        for path in sorted(SERVER.rglob("*.py"))
        if path != own
        for line in _sums(ast.parse(path.read_text()))
    ]
    assert found == []


def _sums(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.BinOp):
            continue
        sides = [ast.unparse(node.left), ast.unparse(node.right)]
        if "2" in sides and any("project" in side or "dataset" in side for side in sides):
            yield node.lineno
