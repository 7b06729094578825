/** How many customers go from step to step. The steps are chosen here and live in the address. */
import { create } from "@bufbuild/protobuf";
import {
  type Funnel as FunnelBlock,
  type FunnelStep,
  FunnelSplit,
  FunnelStepSchema,
  type FunnelStepResult,
  ReportService,
} from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, percent, seconds } from "../amounts";
import { Choice, Controls, Segments } from "../parts/controls";
import { Explain } from "../parts/explain";
import { Empty, Shown } from "../parts/states";
import { stepName, Steps } from "../parts/steps";
import { Table } from "../parts/table";
import { change, useRoute } from "../route";
import { useView } from "../view";

const STANDARD_STEPS = "product_view,cart_add,order";
const MOST_STEPS = 10;
const DAY_SECONDS = 86_400n;
const PAGE = "page:";
const KINDS = [
  "page_view",
  "product_view",
  "cart_add",
  "cart_modify",
  "order",
  "refund",
  "shipment",
  "shipment_delivered",
  "customer_register",
  "customer_update",
  "identify",
];
const SPLITS: Record<string, FunnelSplit> = { source: FunnelSplit.SOURCE, campaign: FunnelSplit.CAMPAIGN };

export function Funnel() {
  const view = useView();
  const { params } = useRoute();
  const steps = (params.get("steps") || STANDARD_STEPS).split(",").slice(0, MOST_STEPS);
  const days = Number.parseInt(params.get("window") ?? "", 10) || 7;
  const split = params.get("split") ?? "";
  const answer = useAnswer(ReportService.method.getFunnelReport, {
    scope: view.scope,
    // The standard steps are the report's own: so the overview's answer serves here too.
    steps: steps.join() === STANDARD_STEPS ? [] : steps.map(written),
    windowSeconds: days === 7 ? 0n : BigInt(days) * DAY_SECONDS,
    split: SPLITS[split] ?? FunnelSplit.UNSPECIFIED,
  });
  return (
    <>
      <Controls currency={false}>
        <Choice
          label="Within"
          name="window"
          standard="7"
          choices={[
            ["1", "1 day"],
            ["7", "7 days"],
            ["14", "14 days"],
            ["30", "30 days"],
            ["90", "90 days"],
          ]}
        />
        <Segments
          label="Split"
          name="split"
          standard=""
          choices={[
            ["", "All"],
            ["source", "By sender"],
            ["campaign", "By campaign"],
          ]}
        />
      </Controls>
      <StepsEditor steps={steps} />
      <Shown answer={answer}>
        {({ funnels }) =>
          funnels.some((funnel) => funnel.steps[0]?.customers) ? (
            <Report funnels={funnels} split={split} />
          ) : (
            <Empty title="Nobody took the first step in this range">Choose other steps or a longer range.</Empty>
          )
        }
      </Shown>
    </>
  );
}

function written(step: string): FunnelStep {
  const by = step.startsWith(PAGE)
    ? { case: "pageType" as const, value: step.slice(PAGE.length) }
    : { case: "eventType" as const, value: step };
  return create(FunnelStepSchema, { by });
}

function StepsEditor({ steps }: { steps: string[] }) {
  const take = (next: string[]): void => change({ steps: next.join() === STANDARD_STEPS ? null : next.join(",") });
  return (
    <section class="card" aria-labelledby="steps-title">
      <header class="card-head">
        <h2 id="steps-title">Steps</h2>
      </header>
      <ol class="step-editor">
        {steps.map((step, index) => (
          <li key={index}>
            <StepChoice step={step} number={index + 1} take={(value) => take(steps.with(index, value))} />
            {steps.length > 1 && (
              <button type="button" class="quiet" aria-label={`Remove step ${index + 1}`} onClick={() => take(steps.toSpliced(index, 1))}>
                ×
              </button>
            )}
          </li>
        ))}
        {steps.length < MOST_STEPS && (
          <li>
            <button type="button" onClick={() => take([...steps, "order"])}>
              Add a step
            </button>
          </li>
        )}
      </ol>
    </section>
  );
}

function StepChoice({ step, number, take }: { step: string; number: number; take: (step: string) => void }) {
  const page = step.startsWith(PAGE);
  return (
    <>
      <select
        aria-label={`Step ${number}`}
        value={page ? PAGE : step}
        onChange={(event) => take(event.currentTarget.value === PAGE ? `${PAGE}checkout-1` : event.currentTarget.value)}
      >
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {stepName(kind)}
          </option>
        ))}
        <option value={PAGE}>page of type …</option>
      </select>
      {page && (
        <input
          type="text"
          aria-label={`Page type of step ${number}`}
          value={step.slice(PAGE.length)}
          onChange={(event) => {
            // Commas part the steps in the address.
            const label = event.currentTarget.value.replace(/,/g, "").trim();
            if (label) take(PAGE + label);
          }}
        />
      )}
    </>
  );
}

function Report({ funnels, split }: { funnels: FunnelBlock[]; split: string }) {
  const name = (value: string): string => value || (split === "source" ? "No sender named" : split ? "No campaign" : "All");
  const rows = funnels.flatMap((funnel) => funnel.steps.map((step, index) => ({ value: funnel.value, step, index })));
  const who = split
    ? [{ label: split === "source" ? "Sender" : "Campaign", text: (row: Row) => row.value, cell: (row: Row) => name(row.value) }]
    : [];
  return (
    <>
      <div class={funnels.length > 1 ? "pair" : undefined}>
        {funnels.map((funnel) => (
          <section class="card" key={funnel.value}>
            {split && (
              <header class="card-head">
                <h2>{name(funnel.value)}</h2>
              </header>
            )}
            <Steps steps={funnel.steps} />
          </section>
        ))}
      </div>
      <Table
        title="Steps in numbers"
        file="funnel"
        rows={rows}
        columns={[
          ...who,
          {
            label: "Step",
            text: (row) => row.step.step,
            cell: (row) => `${row.index + 1}. ${stepName(row.step.step)}`,
            define: "FunnelStepResult.step",
          },
          {
            label: "Customers",
            text: (row) => `${row.step.customers}`,
            cell: (row) => (
              <Explain token={row.step.explain} of={stepName(row.step.step)}>
                {count(row.step.customers)}
              </Explain>
            ),
            number: true,
            define: "FunnelStepResult.customers",
          },
          {
            label: "Conversion",
            text: (row) => row.step.conversion,
            cell: (row) => percent(row.step.conversion),
            number: true,
            define: "FunnelStepResult.conversion",
          },
          {
            label: "Median time",
            text: (row) => row.step.medianSeconds,
            cell: (row) => (
              <span title={row.step.medianSeconds && `${row.step.medianSeconds} seconds`}>{seconds(row.step.medianSeconds)}</span>
            ),
            number: true,
            define: "FunnelStepResult.median_seconds",
          },
        ]}
      />
    </>
  );
}

interface Row {
  value: string;
  step: FunnelStepResult;
  index: number;
}
