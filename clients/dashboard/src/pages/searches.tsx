/** What people look for in the shop, and what they find. */
import { type GetSearchReportResponse, type ReportScope, ReportService, SearchOrder, type SearchRow } from "contract/reports_pb";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count, money } from "../amounts";
import { barColumn, dimensionColumns } from "../parts/breakdown";
import { amount, sortedBy, whole } from "../parts/columns";
import { Controls, Tick } from "../parts/controls";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { useRoute } from "../route";
import { useView } from "../view";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 1_000;
const ORDERS: Record<string, SearchOrder> = {
  searches: SearchOrder.SEARCHES,
  visitors: SearchOrder.VISITORS,
  unfound: SearchOrder.WITHOUT_RESULTS,
  orders: SearchOrder.ORDERS,
  sales: SearchOrder.TOTAL_SALES,
  query: SearchOrder.QUERY,
};

export function Searches() {
  const view = useView();
  const { params } = useRoute();
  const onlyWithoutResults = params.get("unfound") === "1";
  const ordered = useOrdered("searches");
  const ask = (scope: ReportScope, limit: number, offset = 0) => ({
    scope: view.currency ? { ...scope, currency: view.currency } : scope,
    limit,
    offset,
    onlyWithoutResults,
    orderBy: ORDERS[ordered.by] ?? SearchOrder.SEARCHES,
    ascending: !ordered.down,
  });
  const first = ask(view.broken, PAGE_SIZE);
  const answer = useAnswer(ReportService.method.getSearchReport, first);
  const page = async (token: string, limit: number, by: typeof asked): Promise<Page<SearchRow>> => {
    const offset = Number(token);
    const found = await by(ReportService.method.getSearchReport, ask(view.broken, limit, offset));
    return { items: found.rows, total: found.totalRows, next: following(offset, found.rows.length, found.totalRows) };
  };
  const before = useAnswer(ReportService.method.getSearchReport, view.previous && ask(view.over(view.previous), 1));
  return (
    <>
      <Controls compared>
        <Tick label="Only what was not found" name="unfound" />
      </Controls>
      <Shown answer={answer}>
        {(report) =>
          report.total && report.total.searches > 0n ? (
            <>
              <Numbers report={report} total={report.total} before={view.previous ? before.value?.total : undefined} />
              <Paged name={questionName(ReportService.method.getSearchReport, first)} empty="" load={(token) => page(token, PAGE_SIZE, asked)}>
                {(rows, foot) => (
                  <Table
                    title="What was looked for"
                    file="searches"
                    rows={rows}
                    total={report.total!}
                    everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
                    ordered={ordered}
                    foot={foot}
                    columns={columns(report.currency, [
                      ...dimensionColumns<SearchRow>(view, params).map((column) => sortedBy("", column)),
                      sortedBy("", barColumn(rows, (row) => row.searches)),
                    ])}
                  />
                )}
              </Paged>
            </>
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

function Numbers({ report, total, before }: { report: GetSearchReportResponse; total: SearchRow; before: SearchRow | undefined }) {
  const { currency } = report;
  return (
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
  );
}

function columns(currency: string, own: Column<SearchRow>[]): Column<SearchRow>[] {
  return [
    { label: "Query", text: (row) => row.query, cell: (row) => <span class="long">{row.query}</span>, order: "query" },
    ...own,
    sortedBy("searches", whole<SearchRow>("Searches", "SearchRow.searches", (row) => row.searches)),
    sortedBy("visitors", whole<SearchRow>("People", "SearchRow.visitors", (row) => row.visitors)),
    sortedBy("unfound", whole<SearchRow>("Found nothing", "SearchRow.without_results", (row) => row.withoutResults)),
    sortedBy("orders", whole<SearchRow>("Orders after it", "SearchRow.orders", (row) => row.orders)),
    sortedBy("sales", amount<SearchRow>(`Total sales after it, ${currency}`, "SearchRow.total_sales", currency, (row) => row.totalSales)),
  ];
}
