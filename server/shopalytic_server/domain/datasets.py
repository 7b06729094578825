"""Datasets: the real events of a project, and those of its sandbox, which never meet in a number."""

from typing import Self

from shopalytic_server.domain.projects import Project


class Dataset(int):
    """One of the two datasets of a project, as the number that every table has in `dataset_id`.

    Law: `Dataset.of(project, sandbox)` is one-to-one, and `project_id` and `is_sandbox` give back what it was
    made of. A number from a row or from the native core becomes one by `Dataset(number)`.
    """

    __slots__ = ()

    @classmethod
    def of(cls, project: Project | int, sandbox: bool = False) -> Self:
        """The dataset of a project, which may be named by its number."""
        return cls(2 * (project if isinstance(project, int) else project.project_id) + sandbox)

    @classmethod
    def both(cls, project: Project | int) -> tuple[Self, Self]:
        """The real dataset, and the sandbox."""
        return cls.of(project), cls.of(project, True)

    @property
    def project_id(self) -> int:
        """The project that it belongs to."""
        return self // 2

    @property
    def is_sandbox(self) -> bool:
        """Whether its events are trials."""
        return self % 2 == 1
