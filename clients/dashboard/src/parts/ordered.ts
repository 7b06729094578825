/** How the server sorts a list, as the address has it: sort=net, or sort=net.up for the smallest first. */
import { change, useRoute } from "../route";
import type { Ordered } from "./table";

export function useOrdered(standard: string, name = "sort"): Ordered {
  const { params } = useRoute();
  const [by = "", turned] = (params.get(name) ?? standard).split(".");
  return {
    by,
    down: turned !== "up",
    ask: (next, down) => change({ [name]: next === standard && down ? null : `${next}${down ? "" : ".up"}` }),
  };
}
