/** The steps of a funnel as bars, each beside the number that took it. */
import type { FunnelStepResult } from "contract/reports_pb";
import { count, percent, seconds } from "../amounts";
import { words } from "../catalogue";
import { Explain } from "./explain";

export function Steps({ steps }: { steps: FunnelStepResult[] }) {
  return (
    <ol class="steps">
      {steps.map((step, index) => (
        <li key={index}>
          <div class="step-head">
            <b>{stepName(step.step)}</b>
            <span class="number">
              <Explain token={step.explain} of={stepName(step.step)}>
                {count(step.customers)}
              </Explain>
            </span>
            <span class="number share">{percent(step.conversion)}</span>
          </div>
          <div class="step-bar">
            <i style={{ width: `${Math.max(Number(step.conversion) * 100, 0.5)}%` }} />
          </div>
          {step.medianSeconds && <small>median {seconds(step.medianSeconds)} after the step before</small>}
        </li>
      ))}
    </ol>
  );
}

export function stepName(step: string): string {
  const [kind = "", label] = step.split(/:(.*)/s, 2);
  if (!label) return words(kind);
  return kind === "custom" ? `“${label}”` : `page “${label}”`;
}
