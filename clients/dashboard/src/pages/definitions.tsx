/** What every number means: the comments of the contract, which is what the server is built to. */
import { definitions } from "definitions";
import { useEffect } from "preact/hooks";
import { useRoute } from "../route";

/** What the pages show first, then what it is made of. */
const HEADS: Record<string, string> = {
  ReportScope: "What every report counts",
  SalesRow: "Sales",
  FunnelStepResult: "Funnel",
  ProductRow: "Products",
  Cohort: "Retention",
  CartReport: "Carts",
  CarrierRow: "Fulfilment",
  TrafficRow: "Traffic",
  Customer: "Customers",
};

export function Definitions() {
  const { item } = useRoute();
  useEffect(() => {
    if (item) document.getElementById(`definition-${item}`)?.scrollIntoView();
  }, [item]);
  const first = Object.keys(HEADS);
  const names = [...first, ...Object.keys(definitions).filter((name) => !first.includes(name))];
  return (
    <>
      <p class="note">
        These are the words of the contract (<code>protos/shopalytic/v1/reports.proto</code>). Times are half-open ranges of when things
        happened; amounts are exact and those of two currencies are never added.
      </p>
      {names.map((name) => {
        const described = definitions[name];
        return (
          described && (
            <section class="card definition" id={`definition-${name}`} key={name}>
              <h2>
                {HEADS[name] ?? name} {HEADS[name] && <small>{name}</small>}
              </h2>
              <p>{described.text}</p>
              <dl>
                {Object.entries(described.fields).map(([field, text]) => (
                  <div key={field}>
                    <dt>{field.replace(/_/g, " ")}</dt>
                    <dd>{text}</dd>
                  </div>
                ))}
              </dl>
            </section>
          )
        );
      })}
    </>
  );
}
