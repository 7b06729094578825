"""Facts: what events say, as narrow typed rows in columns, which reports ask by DuckDB.

- `tables` lists the tables with their columns; `sql/` has, for each, the statement
  that reads its rows of some days out of PostgreSQL.
- `arrow` and `fresh` bring such rows into DuckDB, all of one PostgreSQL snapshot.
- `views` makes each table out of the rows of its days, wherever they come from.
- `breakdown` works out dimensions, and renders filters and breakdowns from a closed list.
- `engine` is DuckDB in this process: its limits, its queue, its interruption.
- `facts` puts these together for one question.
"""
