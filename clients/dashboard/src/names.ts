/** What a customer is called. */
import type { Customer } from "contract/reports_pb";

export function nameOf({ profile, identities, trackingIds, customerId }: Customer): string {
  const name = [profile?.firstName, profile?.lastName].filter(Boolean).join(" ");
  return name || profile?.email || identities[0] || trackingIds[0] || customerId;
}
