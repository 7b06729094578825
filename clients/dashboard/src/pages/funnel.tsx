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
import { EVENT_TYPES } from "../catalogue";
import { dimensionLabel, valueLabel } from "../filters";
import { dimensionColumns } from "../parts/breakdown";
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
const CUSTOM = "custom:";
// An alias is nothing that somebody does, and custom events are told apart by their names.
const KINDS = EVENT_TYPES.filter((type) => type !== "alias" && type !== "custom");
const LABELLED = [
  { prefix: PAGE, option: "page of type …", label: "Page type", standard: "checkout-1" },
  { prefix: CUSTOM, option: "custom event named …", label: "Name", standard: "my_event" },
];
const SPLITS: Record<string, FunnelSplit> = { source: FunnelSplit.SOURCE, campaign: FunnelSplit.CAMPAIGN };

export function Funnel() {
  const view = useView();
  const { params } = useRoute();
  const steps = (params.get("steps") || STANDARD_STEPS).split(",").slice(0, MOST_STEPS);
  const days = Number.parseInt(params.get("window") ?? "", 10) || 7;
  const split = params.get("split") ?? "";
  const answer = useAnswer(ReportService.method.getFunnelReport, {
    scope: view.broken,
    // The standard steps are the report's own: so the overview's answer serves here too.
    steps: steps.join() === STANDARD_STEPS ? [] : steps.map(written),
    windowSeconds: days === 7 ? 0n : BigInt(days) * DAY_SECONDS,
    // A breakdown is another split.
    split: (view.by.length ? undefined : SPLITS[split]) ?? FunnelSplit.UNSPECIFIED,
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
        {view.by.length === 0 && (
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
        )}
      </Controls>
      <StepsEditor steps={steps} />
      <Shown answer={answer}>
        {({ funnels }) =>
          funnels.some((funnel) => funnel.steps[0]?.customers) ? (
            <Report funnels={funnels} split={view.by.length ? "" : split} />
          ) : (
            <Empty title="Nobody took the first step in this range">Choose other steps or a longer range.</Empty>
          )
        }
      </Shown>
    </>
  );
}

function written(step: string): FunnelStep {
  return create(FunnelStepSchema, { by: stepOf(step) });
}

function stepOf(step: string): FunnelStep["by"] {
  if (step.startsWith(PAGE)) return { case: "pageType", value: step.slice(PAGE.length) };
  if (step.startsWith(CUSTOM)) return { case: "customName", value: step.slice(CUSTOM.length) };
  return { case: "eventType", value: step };
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
  const labelled = LABELLED.find(({ prefix }) => step.startsWith(prefix));
  return (
    <>
      <select
        aria-label={`Step ${number}`}
        value={labelled?.prefix ?? step}
        onChange={({ currentTarget: { value } }) => take(value + (LABELLED.find(({ prefix }) => prefix === value)?.standard ?? ""))}
      >
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {stepName(kind)}
          </option>
        ))}
        {LABELLED.map(({ prefix, option }) => (
          <option key={prefix} value={prefix}>
            {option}
          </option>
        ))}
      </select>
      {labelled && (
        <input
          type="text"
          aria-label={`${labelled.label} of step ${number}`}
          value={step.slice(labelled.prefix.length)}
          onChange={(event) => {
            // Commas part the steps in the address.
            const label = event.currentTarget.value.replace(/,/g, "").trim();
            if (label) take(labelled.prefix + label);
          }}
        />
      )}
    </>
  );
}

function Report({ funnels, split }: { funnels: FunnelBlock[]; split: string }) {
  const view = useView();
  const { params } = useRoute();
  const name = (value: string): string => value || (split === "source" ? "No sender named" : split ? "No campaign" : "All");
  const headed = split || view.by.length > 0;
  const titleOf = (funnel: FunnelBlock): string =>
    view.by.length ? view.by.map((each) => `${dimensionLabel(each)}: ${valueLabel(each, funnel.dimensions[each] ?? "")}`).join(", ") : name(funnel.value);
  const rows = funnels.flatMap(({ value, dimensions, steps }) => steps.map((step, index) => ({ value, dimensions, step, index })));
  const who = view.by.length ? dimensionColumns<Row>(view, params) : split
    ? [{ label: split === "source" ? "Sender" : "Campaign", text: (row: Row) => row.value, cell: (row: Row) => name(row.value) }]
    : [];
  return (
    <>
      <div class={funnels.length > 1 ? "pair" : undefined}>
        {funnels.slice(0, MOST_DRAWN).map((funnel) => (
          <section class="card" key={titleOf(funnel)}>
            {headed && (
              <header class="card-head">
                <h2>{titleOf(funnel)}</h2>
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
        fold={MOST_ROWS}
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

/** As many funnels are drawn; the table has all of them. */
const MOST_DRAWN = 6;
const MOST_ROWS = 60;

interface Row {
  value: string;
  dimensions: Record<string, string>;
  step: FunnelStepResult;
  index: number;
}
