/** What people look for in the shop, and what they find. */
import { type GetSearchReportResponse, type ReportScope, ReportService, type SearchRow } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money } from "../amounts";
import { barColumn, dimensionColumns, FIRST } from "../parts/breakdown";
import { amount, whole } from "../parts/columns";
import { Controls, Tick } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { useRoute } from "../route";
import { useView } from "../view";

/** All rows that the server gives at once: sorting and saving are over these. */
const MOST = 10_000;

export function Searches() {
  const view = useView();
  const { params } = useRoute();
  const onlyWithoutResults = params.get("unfound") === "1";
  const ask = (scope: ReportScope, limit: number) => ({
    scope: view.currency ? { ...scope, currency: view.currency } : scope,
    limit,
    onlyWithoutResults,
  });
  const answer = useAnswer(ReportService.method.getSearchReport, ask(view.broken, MOST));
  const before = useAnswer(ReportService.method.getSearchReport, view.previous && ask(view.over(view.previous), 1));
  return (
    <>
      <Controls compared>
        <Tick label="Only what was not found" name="unfound" />
      </Controls>
      <Shown answer={answer}>
        {(report) =>
          report.total && report.total.searches > 0n ? (
            <Report report={report} total={report.total} before={view.previous ? before.value?.total : undefined} />
          ) : (
            <Empty title={onlyWithoutResults ? "Everything that was looked for was found" : "No searches in this range"}>
              Searches appear with their search event.
            </Empty>
          )
        }
      </Shown>
    </>
  );
}

function Report({ report, total, before }: { report: GetSearchReportResponse; total: SearchRow; before: SearchRow | undefined }) {
  const view = useView();
  const { params } = useRoute();
  const { currency, rows, moreRows } = report;
  return (
    <>
      <Tiles>
        <Tile label="Searches" define="SearchRow.searches" now={total.searches} before={before?.searches} show={count} />
        <Tile label="People who searched" define="SearchRow.visitors" now={total.visitors} before={before?.visitors} show={count} />
        <Tile
          label="Found nothing"
          define="SearchRow.without_results"
          now={total.withoutResults}
          before={before?.withoutResults}
          show={count}
          falling
        />
        <Tile label="Orders after a search" define="SearchRow.orders" now={total.orders} before={before?.orders} show={count} />
        <Tile
          label="Total sales after a search"
          define="SearchRow.total_sales"
          now={total.totalSales}
          before={before?.totalSales}
          show={(text) => money(text, currency)}
        />
      </Tiles>
      <Table
        title="What was looked for"
        file="searches"
        rows={rows}
        total={total}
        fold={FIRST}
        columns={[
          { label: "Query", text: (row) => row.query, cell: (row) => <span class="long">{row.query}</span>, by: (row) => row.query },
          ...dimensionColumns<SearchRow>(view, params),
          barColumn(rows, (row) => row.searches),
          whole<SearchRow>("Searches", "SearchRow.searches", (row) => row.searches),
          whole<SearchRow>("People", "SearchRow.visitors", (row) => row.visitors),
          whole<SearchRow>("Found nothing", "SearchRow.without_results", (row) => row.withoutResults),
          whole<SearchRow>("Orders after it", "SearchRow.orders", (row) => row.orders),
          amount<SearchRow>(`Total sales after it, ${currency}`, "SearchRow.total_sales", currency, (row) => row.totalSales),
        ]}
        foot={moreRows > 0n && <p class="note">{count(moreRows)} rarer queries are left out: filter, or choose a shorter range, to see them.</p>}
      />
    </>
  );
}
