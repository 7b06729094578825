/** What may be wider than the page: it scrolls by itself, and says so while there is more to the right. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export function Scroll({ labelledBy, children }: { labelledBy: string; children: ComponentChildren }) {
  const place = useRef<HTMLDivElement>(null);
  const [more, setMore] = useState(false);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const look = (): void => setMore(box.scrollWidth - box.clientWidth - box.scrollLeft > 8);
    const watch = new ResizeObserver(look);
    watch.observe(box);
    if (box.firstElementChild) watch.observe(box.firstElementChild);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      watch.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);
  const further = (): void => place.current?.scrollBy({ left: place.current.clientWidth / 2, behavior: "smooth" });
  return (
    <>
      <p class="further">
        <button type="button" class="quiet" disabled={!more} hidden={!more} onClick={further}>
          More columns →
        </button>
      </p>
      <div class={more ? "scroll cut" : "scroll"} ref={place} tabindex={0} role="group" aria-labelledby={labelledBy}>
        {children}
      </div>
    </>
  );
}
