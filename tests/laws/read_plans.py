"""A snapshot that keeps the plan of each statement, with what its steps really did."""

from collections.abc import Iterator
from typing import Any

from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.reading import Snapshot

EXPLAIN = "EXPLAIN (ANALYZE, FORMAT JSON) "


class Explaining(Snapshot):
    """Answers as ever, and keeps the plans."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn)
        self.plans: list[dict[str, Any]] = []

    async def fetch(self, statement: Any, **parameters: Any) -> list[dict[str, Any]]:
        text = statement if isinstance(statement, str) else statement.as_string()
        cursor = await self._conn.execute(EXPLAIN + text, parameters)
        [[plan]] = await cursor.fetchall()
        self.plans.append(plan[0]["Plan"])
        return await super().fetch(statement, **parameters)

    def steps(self) -> Iterator[dict[str, Any]]:
        """Every step of every plan."""
        waiting = list(self.plans)
        while waiting:
            step = waiting.pop()
            waiting += step.get("Plans", [])
            yield step

    def rows_read(self) -> int:
        """How many rows were taken from tables, whatever became of them."""
        return self.rows_read_of("")

    def rows_read_of(self, prefix: str) -> int:
        """How many were taken from the tables whose names begin so."""
        return round(
            sum(
                step["Actual Loops"] * (step["Actual Rows"] + step.get("Rows Removed by Filter", 0))
                for step in self.steps()
                if "Relation Name" in step and step["Relation Name"].startswith(prefix)
            )
        )

    def whole_scans(self) -> list[dict[str, Any]]:
        """The steps that read a table from its begin to its end."""
        return [
            step
            for step in self.steps()
            if step["Node Type"] == "Seq Scan" and step["Actual Loops"] > 0 and step["Actual Rows"] > 0
        ]
