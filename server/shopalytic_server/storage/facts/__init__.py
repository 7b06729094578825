"""Facts: what events say, as narrow typed rows in columns, which reports ask by DuckDB.

- `tables` lists the tables with their columns; `sql/` has, for each, the statement
  that reads its rows of some days out of PostgreSQL.
- `arrow` and `fresh` bring such rows into DuckDB, all of one PostgreSQL snapshot.
- `views` makes each table out of the rows of its days, wherever they come from.
- `filters` renders what a scope leaves of a table, from the columns in `tables`.
- `engine` is DuckDB in this process: its limits, its queue, its interruption.
- `facts` puts these together for one question.
"""
