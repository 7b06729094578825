"""What every `shopalytic report` command shares: its scope, the call, and how answers are printed."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import click
import grpc
from google.protobuf.message import Message

from shopalytic.filters import ATTRIBUTIONS
from shopalytic.reports import report_scope
from shopalytic.v1 import admin_pb2, admin_pb2_grpc, reports_pb2, reports_pb2_grpc
from shopalytic_server.cli.dates import Moment, moment
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_csv, print_json, print_table, say
from shopalytic_server.cli.remote import CALL_SECONDS, Remote, bearer, connect, key_of
from shopalytic_server.cli.reports.compared import compared_head, compared_row, has_previous, side_by_side
from shopalytic_server.config import Settings

# A page of a list that is read to its end.
_CSV_PAGE = 1_000
# Whoever waits for longer is told what for.
_QUIET_SECONDS = 2.0


class Zone(click.ParamType[str]):
    """An IANA time zone."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that the zone exists."""
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self.fail(f"{value!r} is not an IANA time zone such as Europe/Berlin.")
        return str(value)


class Range(click.ParamType[Any]):
    """The name of another range, or its begin and end."""

    name = "range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Two dates or times as text until the zone is known."""
        if value in ("previous", "last-year"):
            return value
        begin, dots, end = str(value).partition("..")
        if not dots:
            self.fail(f"{value!r} is none of previous, last-year and a range such as 2026-01-01..2026-02-01.")
        return Moment().convert(begin, param, ctx), Moment().convert(end, param, ctx)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of an answer. Times in it are text; those of `local` columns are shown as days in the zone.

    Sheets of one name have the same columns, and are one table in CSV.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str | None = None
    total: Sequence[Any] | None = None
    """A last line for people; CSV is without it, so that columns can be added up."""
    shown: Sequence[str] = ()
    """The columns that people see, the weightiest first; without any all of them."""
    is_paged: bool = False
    """Whether further pages of the answer have more rows."""
    words: Sequence[str] = ()
    """Columns of words; all others but the first are numbers, and stand right."""
    local: Sequence[str] = ("start",)


@dataclass(frozen=True, slots=True)
class Question:
    """A report that is asked for on the command line: its scope, and how the answer is printed."""

    remote: Remote
    scope: reports_pb2.ReportScope
    zone: str
    as_json: bool
    as_csv: bool
    sheet: str | None
    by_hour: bool = False
    """Whether rows are shorter than a day."""
    chosen: Sequence[str] = ()
    """The columns that were asked for; without any those of the sheet."""

    def ask(self, request: Any) -> Any:
        """Asks; the method is the one of the request's type (GetSalesReportRequest: GetSalesReport)."""
        request.scope.CopyFrom(self.scope)
        stub = reports_pb2_grpc.ReportServiceStub(self.remote.channel)
        method = getattr(stub, request.DESCRIPTOR.name.removesuffix("Request"))
        asked = method.future(request, metadata=self.remote.metadata, timeout=CALL_SECONDS)
        try:
            return asked.result(timeout=_QUIET_SECONDS)
        except grpc.FutureTimeoutError:
            say("At work: the service reads and adds up the days of this range. Ctrl-C ends it.", err=True)
            return asked.result()
        finally:
            # Whoever does not wait any longer ends the work, too.
            asked.cancel()

    def show_list(
        self,
        request: Any,
        sheets_of: Callable[[Any], Sequence[Sheet]],
        total_of: Callable[[Any], int],
        *,
        limit: int | None,
        nothing: str,
    ) -> None:
        """Asks for a list and prints its part; as CSV without a limit all of it, page after page.

        `total_of` tells how long the longest list of an answer is.
        """
        everything = self.as_csv and limit is None
        request.limit = _CSV_PAGE if everything else limit or 0
        answer = self.ask(request)
        if everything:
            self._print_pages(request, answer, sheets_of, total_of)
        else:
            self.show(answer, sheets_of(answer), nothing=nothing, skipped=request.offset)

    def _print_pages(
        self,
        request: Any,
        answer: Any,
        sheets_of: Callable[[Any], Sequence[Sheet]],
        total_of: Callable[[Any], int],
    ) -> None:
        name = self._csv_name(sheets_of(answer))
        first = next((each for each in sheets_of(answer) if each.name == name), None)
        if first is None:
            return

        def rows() -> Iterator[Sequence[Any]]:
            page = answer
            while True:
                for each in sheets_of(page):
                    if each.name == name:
                        yield from each.rows
                request.offset += request.limit
                if not first.is_paged or request.offset >= total_of(answer):
                    return
                page = self.ask(request)

        self._print_csv(first, rows())

    def _print_csv(self, sheet: Sheet, rows: Iterable[Sequence[Any]]) -> None:
        columns = self._known(sheet) or sheet.columns
        places = [sheet.columns.index(column) for column in columns]
        print_csv(columns, ([row[place] for place in places] for row in rows))

    def _known(self, sheet: Sheet) -> list[str]:
        """The columns of a sheet that were asked for; raises UsageError where it has no such column."""
        for name in self.chosen:
            if name not in sheet.columns:
                hint = "".join(f" Did you mean {near}?" for near in get_close_matches(name, sheet.columns, 1))
                has = "" if hint else f" It has {', '.join(sheet.columns)}."
                raise click.UsageError(f"The table {sheet.name} has no column {name!r}.{hint}{has}")
        return list(self.chosen)

    def _csv_name(self, sheets: Sequence[Sheet]) -> str | None:
        if self.sheet and sheets and self.sheet not in [each.name for each in sheets]:
            names = ", ".join(dict.fromkeys(each.name for each in sheets))
            raise click.UsageError(f"This answer has no table {self.sheet!r}; it has {names}.")
        return self.sheet or (sheets[0].name if sheets else None)

    def show(self, answer: Message, sheets: Sequence[Sheet], *, nothing: str = "", skipped: int = 0) -> None:
        """Prints an answer: all of it as JSON, or its sheets. Without a row people read `nothing`.

        `skipped` is how many rows of a list the answer passes over.
        """
        name = self._csv_name(sheets)
        if self.as_json:
            print_json(self._data(answer))
        elif self.as_csv:
            chosen = [each for each in sheets if each.name == name]
            if chosen:
                self._print_csv(chosen[0], [row for each in chosen for row in each.rows])
        else:
            chosen = [each for each in sheets if self.sheet in (None, each.name)]
            for each in chosen:
                self._print(each)
            if not chosen:
                say(nothing or "Nothing in this range.")
            self._tell_unfinished(answer)
            blocks = (answer, *getattr(answer, "reports", ()))
            if more := sum(max(getattr(block, "more_rows", 0) - skipped, 0) for block in blocks):
                rows = "row" if more == 1 else "rows"
                flag = "--breakdown-limit" if self.scope.breakdowns else "--limit"
                say(f"Left out: {more:,} further {rows}. Ask for more with {flag}.", err=True)
            if robots := getattr(answer, "robots", 0):
                events = "event" if robots == 1 else "events"
                say(f"Left out: {robots:,} {events} of robots. Count them with --include-bots.", err=True)
            for part in getattr(answer, "outside", ()):
                begin, end = (message_data(part)[name][:10] for name in ("from", "to"))
                say(
                    f"Left out, for it lies apart: data from {begin} to {end} ({part.events:,} found)."
                    " Name the range with --from and --to to count them.",
                    err=True,
                )

    def _tell_unfinished(self, answer: Any) -> None:
        """Says which numbers still grow."""
        if "unfinished_since" not in answer.DESCRIPTOR.fields_by_name or not answer.HasField(
            "unfinished_since"
        ):
            return
        since = message_data(answer)["unfinished_since"]
        asked = self.scope.HasField("from") and answer.unfinished_since == getattr(self.scope, "from")
        rows = "this range has" if asked else f"the rows from {self._day(since)} on have"
        whose = "its" if asked else "their"
        say(f"Not finished: {rows} not ended, so {whose} numbers still grow.", err=True)

    def _data(self, answer: Message) -> Any:
        """A report of one currency is that currency's block, without a list around it."""
        data = message_data(answer)
        beside = {
            name: data.pop(name) for name in ("outside", "robots", "unfinished_since") if data.get(name)
        }
        for name in ("outside", "robots"):
            data.pop(name, None)
        compared = {"compared": data["compared"]} if "compared" in data else {}
        if self.scope.HasField("currency") and len(data.get("reports", ())) == 1:
            data = data["reports"][0] | compared
        return data | beside

    def _print(self, sheet: Sheet) -> None:
        rows = [self._line(sheet, row) for row in sheet.rows]
        if sheet.total is not None:
            rows.append(self._line(sheet, sheet.total))
        asked = self._known(sheet)
        columns, left_out = list(asked or sheet.shown or sheet.columns), list[str]()
        if has_previous(sheet.columns):
            columns, left_out = side_by_side(sheet.columns, columns, all_of_them=bool(asked))
        head = compared_head(sheet.columns, columns)
        right = [name for name in head[1:] if name not in (*sheet.words, *sheet.local)]
        lines = [compared_row(sheet.columns, row, columns) for row in rows]
        print_table(head, lines, title=sheet.title, right=right)
        if left_out:
            say(
                f"Not shown: {', '.join(left_out)}. Choose with --columns; --csv and --json have all.",
                err=True,
            )

    def _line(self, sheet: Sheet, row: Sequence[Any]) -> list[Any]:
        return [
            self._day(value) if column in sheet.local else value
            for column, value in zip(sheet.columns, row, strict=True)
        ]

    def _day(self, text: Any) -> Any:
        try:
            at = datetime.fromisoformat(text).astimezone(ZoneInfo(self.zone))
            return at.strftime("%Y-%m-%d %H:%M" if self.by_hour else "%Y-%m-%d")
        except (TypeError, ValueError):
            return text


interval_option = click.option(
    "--interval",
    type=click.Choice(("hour", "day", "week", "month")),
    help="Length of a row.  [default: the whole range]",
)

_SCOPE_OPTIONS = (
    click.option("--from", "start", type=Moment(), help="Start of the range.  [default: the first event]"),
    click.option(
        "--to", "end", type=Moment(), help="End of the range, exclusive.  [default: the last event]"
    ),
    click.option("--time-zone", type=Zone(), help="Time zone of days.  [default: the project's, else UTC]"),
    click.option("--currency", metavar="CODE", help="Only this currency.  [default: each by itself]"),
    click.option("--source", metavar="LABEL", help="Only events with this source label."),
    click.option("--include-sandbox", is_flag=True, help="Count trial events too."),
    click.option("--include-bots", is_flag=True, help="Count robots too."),
    click.option("--without-free-orders", is_flag=True, help="Leave out orders with a total of 0."),
    click.option(
        "--as-of",
        type=Moment(),
        help="Show what was known at this time.  [default: now]",
    ),
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="DIM=VALUE",
        help="Only rows with this value; DIM!=VALUE: other values, DIM~TEXT: contains TEXT. May be repeated.",
    ),
    click.option(
        "--by", multiple=True, metavar="DIM", help="Break the rows down by this dimension; up to two."
    ),
    click.option(
        "--compare",
        type=Range(),
        help="Also show another range: previous, last-year (same weekdays) or FROM..TO.",
    ),
    click.option(
        "--same-time",
        is_flag=True,
        help="Compare only what has passed of a range that has not ended, to the same time of the clock.",
    ),
    click.option(
        "--attribution",
        type=click.Choice(ATTRIBUTIONS),
        help="Which visit gets the credit for an order.  [default: last-non-direct]",
    ),
    click.option(
        "--segment",
        metavar="NAME",
        help="Only customers of this segment, such as loyal.",
    ),
    click.option(
        "--breakdown-limit",
        type=click.IntRange(1, 10_000),
        help="How many rows of a breakdown, the largest first.  [default: 1000]",
    ),
)
_SCOPE_NAMES = (
    "start",
    "end",
    "time_zone",
    "currency",
    "source",
    "include_sandbox",
    "include_bots",
    "without_free_orders",
    "as_of",
    "filters",
    "by",
    "compare",
    "same_time",
    "attribution",
    "segment",
    "breakdown_limit",
)
_FORM_OPTIONS = (
    json_option,
    click.option("--csv", "as_csv", is_flag=True, help="Print CSV for spreadsheets."),
    click.option("--table", "sheet", metavar="NAME", help="Only this table of the answer."),
    click.option(
        "--columns",
        "chosen",
        metavar="NAME,NAME",
        help="Only these columns of tables and CSV; a comparison shows what each was before beside it.",
    ),
)


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of all reports, and a Question as its argument `question`."""

    @functools.wraps(function)
    def run(
        settings: Settings,
        as_json: bool,
        as_csv: bool,
        sheet: str | None,
        chosen: str | None,
        **arguments: Any,
    ) -> None:
        if as_json and as_csv:
            raise click.UsageError("--json and --csv exclude each other; choose one.")
        given = {name: arguments.pop(name) for name in _SCOPE_NAMES}
        with connect(settings, "reports") as remote:
            zone = given["time_zone"] or project_zone(settings, remote)
            scope = _scope(zone, given)
            by_hour = arguments.get("interval") == "hour"
            columns = [name.strip() for name in (chosen or "").split(",") if name.strip()]
            question = Question(remote, scope, zone, as_json, as_csv, sheet, by_hour, columns)
            function(question=question, **arguments)

    command: Callable[..., Any] = with_settings(*REMOTE)(run)
    for option in reversed((*_SCOPE_OPTIONS, *_FORM_OPTIONS)):
        command = option(command)
    return command


def _scope(zone: str, given: dict[str, Any]) -> reports_pb2.ReportScope:
    for name in ("start", "end", "as_of"):
        if given[name] is not None:
            given[name] = moment(given[name], zone)
    given["time_zone"] = zone
    if not given["same_time"]:
        del given["same_time"]
    if isinstance(given["compare"], tuple):
        begin, end = given["compare"]
        given["compare"] = moment(begin, zone), moment(end, zone)
    try:
        return report_scope(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def visible_project(settings: Settings, remote: Remote) -> admin_pb2.Project | None:
    """The project; None where the key may not see it."""
    # A key of reports may not ask everywhere; beside the data directory's one there is one that may.
    metadata = bearer(key_of(settings, "admin", remote.target))
    stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
    try:
        answer = stub.GetProject(admin_pb2.GetProjectRequest(), metadata=metadata, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            raise
        return None
    return answer.project


def project_zone(settings: Settings, remote: Remote) -> str:
    """The project's time zone. A key that may not ask gets UTC, and the reader is told."""
    project = visible_project(settings, remote)
    if project is None:
        say("This key cannot see the project's time zone, so days are in UTC; --time-zone sets it.", err=True)
        return "UTC"
    return str(project.time_zone or "UTC")
