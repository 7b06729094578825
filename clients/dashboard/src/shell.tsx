/** The list of pages, the way between them, and the bar above each. */
import { useEffect, useRef, useState } from "preact/hooks";
import { forget } from "./answers";
import { pages } from "./pagelist";
import { link } from "./route";
import { person } from "./session";
import { theme, toggleTheme } from "./theme";

export function Nav({ page }: { page: string }) {
  const all = pages();
  const groups = [...new Set(all.map((each) => each.group))];
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    // On narrow screens the bar scrolls sideways; where one is has to be seen.
    const here = bar.current?.querySelector<HTMLElement>("[aria-current]");
    if (!here || !bar.current) return;
    const { clientWidth } = bar.current;
    bar.current.scrollLeft = here.offsetLeft + here.offsetWidth > clientWidth ? here.offsetLeft - 16 : 0;
  }, [page]);
  return (
    <nav class="nav" aria-label="Pages" ref={bar}>
      <a class="brand" href={link(all[0]?.name ?? "overview")}>
        <Mark />
        Shopalytic
      </a>
      {groups.map((group) => (
        <div class="nav-group" key={group}>
          {group && <span class="nav-head">{group}</span>}
          {all.filter((each) => each.group === group).map((each) => (
            <a key={each.name} href={link(each.name)} aria-current={each.name === page ? "page" : undefined}>
              {each.title}
            </a>
          ))}
        </div>
      ))}
    </nav>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="4" />
      <path d="M3.5 11.5 6.5 8l2 2 4-5" />
    </svg>
  );
}

interface TopProps {
  title: string;
  project: string;
  search: () => void;
  signOut: () => void;
}

export function Top({ title, project, search, signOut }: TopProps) {
  const [dark, setDark] = useState(theme() === "dark");
  const [copied, setCopied] = useState(false);
  const who = person();
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <header class="top">
      <h1>{title}</h1>
      {project && <span class="project">{project}</span>}
      {who && (
        <span class="who">
          {who.email}, {who.role}
        </span>
      )}
      <span class="top-actions">
        <button type="button" class="quiet" onClick={search}>
          Search <kbd>/</kbd>
        </button>
        <button type="button" class="quiet" onClick={forget}>
          Refresh
        </button>
        {window.isSecureContext && (
          <button type="button" class="quiet" onClick={() => void copy()}>
            {copied ? "Copied" : "Copy link"}
          </button>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            toggleTheme();
            setDark(theme() === "dark");
          }}
        >
          {dark ? "Light" : "Dark"}
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </span>
    </header>
  );
}

/** Below each page: where to read on. */
export function Foot() {
  return (
    <footer class="foot">
      <a href="docs/" target="_blank" rel="noopener">
        Documentation
      </a>
    </footer>
  );
}
