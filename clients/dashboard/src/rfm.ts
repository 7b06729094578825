/** Names for groups of customers by recency, frequency and money, as shops speak of them; the command line has the same. */
import type { RfmClass } from "contract/reports_pb";

export function groupOf({ recency, frequency, money }: RfmClass): string {
  const worth = Math.max(frequency, money);
  if (recency >= 4 && worth >= 4) return "Best customers";
  if (recency >= 4) return frequency <= 1 ? "New customers" : "Promising";
  if (recency === 3) return worth >= 4 ? "Loyal" : "Needs attention";
  return worth >= 4 ? "At risk" : "Lost";
}
