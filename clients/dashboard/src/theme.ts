/** Dark or light: as the system says, unless somebody chose here. */
const PLACE = "shopalytic.theme";
const listeners = new Set<() => void>();

type Theme = "dark" | "light";

function system(): Theme {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function theme(): Theme {
  const chosen = localStorage.getItem(PLACE);
  return chosen === "dark" || chosen === "light" ? chosen : system();
}

export function toggleTheme(): void {
  const wanted = theme() === "dark" ? "light" : "dark";
  if (wanted === system()) localStorage.removeItem(PLACE);
  else localStorage.setItem(PLACE, wanted);
  apply();
}

/** Calls this whenever the colours change; the answer ends that. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function followTheme(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

function apply(): void {
  document.documentElement.dataset.theme = theme();
  for (const listener of listeners) listener();
}
