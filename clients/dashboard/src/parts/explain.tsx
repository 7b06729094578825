/** A number that leads to the events behind it. */
import type { ComponentChildren } from "preact";
import { changed } from "../route";

interface ExplainProps {
  token: string;
  /** What the number is, for the head of the list. */
  of: string;
  children: ComponentChildren;
}

export function Explain({ token, of, children }: ExplainProps) {
  if (!token) return <>{children}</>;
  return (
    <a class="explain" href={changed({ explain: token, of })} title="Show the events behind this number">
      {children}
    </a>
  );
}
