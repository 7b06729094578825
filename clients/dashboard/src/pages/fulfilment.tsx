/** How long parcels take, by carrier. */
import { type CarrierRow, ReportService } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, hours, percent, scaled } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { Choice, Controls } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { useRoute } from "../route";
import { useView } from "../view";

export function Fulfilment() {
  const view = useView();
  const { params } = useRoute();
  const days = Number(params.get("promised")) || 0;
  const answer = useAnswer(ReportService.method.getFulfilmentReport, { scope: view.scope, promisedDays: days });
  const before = useAnswer(
    ReportService.method.getFulfilmentReport,
    view.previous && { scope: view.over(view.previous), promisedDays: days },
  );
  const choices = ["1", "2", "3", "", "7", "10", "14"].map((each): [string, string] => [
    each,
    each === "1" ? "1 day" : `${each || 5} days`,
  ]);
  return (
    <>
      <Controls currency={false} compared>
        <Choice label="Delivery promise" name="promised" standard="" choices={choices} />
      </Controls>
      <Shown answer={answer}>
        {({ carriers, total }) =>
          total && total.parcels > 0n ? (
            <Report carriers={carriers} total={total} before={view.previous ? before.value?.total : undefined} />
          ) : (
            <Empty title="No parcels in this range">Parcels appear with their shipment event.</Empty>
          )
        }
      </Shown>
      {view.by.length > 0 && <ByDimension days={days} />}
    </>
  );
}

/** The whole range by the values of the dimensions. */
function ByDimension({ days }: { days: number }) {
  const view = useView();
  const answer = useAnswer(ReportService.method.getFulfilmentReport, { scope: view.compared, promisedDays: days });
  return (
    <Shown answer={answer} robots={false}>
      {({ carriers, total }) => (
        <Breakdown
          title="Parcels"
          file="fulfilment"
          rows={carriers}
          total={total}
          columns={columns().slice(1)}
          measure={{ label: "Parcels", value: (row) => row.parcels, show: (text) => count(BigInt(text)) }}
        />
      )}
    </Shown>
  );
}

function Report({ carriers, total, before }: { carriers: CarrierRow[]; total: CarrierRow; before: CarrierRow | undefined }) {
  return (
    <>
      <Tiles>
        <Tile
          label="Parcels"
          define="CarrierRow.parcels"
          now={total.parcels}
          before={before?.parcels}
          show={count}
          explain={total.explain}
        />
        <Tile
          label="On the way"
          define="CarrierRow.on_the_way"
          now={total.onTheWay}
          before={before?.onTheWay}
          show={count}
          explain={total.explain}
        />
        <Tile
          label="Order to shipped"
          define="CarrierRow.order_to_shipped_median"
          now={total.orderToShippedMedian}
          before={before?.orderToShippedMedian}
          show={hours}
          explain={total.explain}
          falling
        >
          90 % within {hours(total.orderToShippedP90)}
        </Tile>
        <Tile
          label="Shipped to delivered"
          define="CarrierRow.shipped_to_delivered_median"
          now={total.shippedToDeliveredMedian}
          before={before?.shippedToDeliveredMedian}
          show={hours}
          explain={total.explain}
          falling
        >
          90 % within {hours(total.shippedToDeliveredP90)}
        </Tile>
        <Tile
          label="Late"
          define="CarrierRow.late_rate"
          now={total.lateRate}
          before={before?.lateRate}
          show={percent}
          explain={total.explain}
          falling
          share
        >
          {count(total.late)} parcels
        </Tile>
        <Tile
          label="Refunded after late"
          define="CarrierRow.refund_rate_after_late"
          now={total.refundRateAfterLate}
          before={before?.refundRateAfterLate}
          show={percent}
          explain={total.explain}
          falling
          share
        />
      </Tiles>
      <Table title="Carriers" file="fulfilment" rows={carriers} total={total} columns={columns()} />
    </>
  );
}

function columns(): Column<CarrierRow>[] {
  const whole = (label: string, define: Defined, value: (row: CarrierRow) => bigint): Column<CarrierRow> => ({
    label,
    define,
    text: (row) => `${value(row)}`,
    cell: (row) => count(value(row)),
    number: true,
    by: value,
  });
  const long = (label: string, define: Defined, value: (row: CarrierRow) => string): Column<CarrierRow> => ({
    label,
    define,
    text: value,
    cell: (row) => <span title={value(row) && `${value(row)} hours`}>{hours(value(row))}</span>,
    number: true,
    by: (row) => scaled(value(row)),
  });
  const share = (label: string, define: Defined, value: (row: CarrierRow) => string): Column<CarrierRow> => ({
    label,
    define,
    text: value,
    cell: (row) => percent(value(row)),
    number: true,
    by: (row) => scaled(value(row)),
  });
  return [
    {
      label: "Carrier",
      text: (row) => row.carrier,
      cell: (row) => (
        <Explain token={row.explain} of={`Parcels, ${row.carrier || "carrier not known yet"}`}>
          {row.carrier || "not known yet"}
        </Explain>
      ),
      by: (row) => row.carrier,
    },
    whole("Parcels", "CarrierRow.parcels", (row) => row.parcels),
    whole("On the way", "CarrierRow.on_the_way", (row) => row.onTheWay),
    whole("Delivered", "CarrierRow.delivered", (row) => row.delivered),
    long("To shipped, median", "CarrierRow.order_to_shipped_median", (row) => row.orderToShippedMedian),
    long("To shipped, 90 % within", "CarrierRow.order_to_shipped_p90", (row) => row.orderToShippedP90),
    long("To delivered, median", "CarrierRow.shipped_to_delivered_median", (row) => row.shippedToDeliveredMedian),
    long("To delivered, 90 % within", "CarrierRow.shipped_to_delivered_p90", (row) => row.shippedToDeliveredP90),
    whole("Late", "CarrierRow.late", (row) => row.late),
    share("Late rate", "CarrierRow.late_rate", (row) => row.lateRate),
    share("Refunded after late", "CarrierRow.refund_rate_after_late", (row) => row.refundRateAfterLate),
  ];
}
