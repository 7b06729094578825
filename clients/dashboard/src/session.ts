/** Who looks: the key, where it is kept, and what this machine hands to its own page. */
const PLACE = "shopalytic.key";
const SIGNED_OUT = "shopalytic.signed-out";
const LOCAL = "/session.json";

export interface Session {
  key: string;
  /** The public key of web pages, where this machine told it. */
  browserKey: string;
}

let session: Session | null = null;
let listener: (signedIn: boolean, reason: string) => void = () => {};

export function key(): string {
  return session?.key ?? "";
}

/** Whether the key is of the class that may change things; the server decides. */
export function isAdmin(): boolean {
  return key().startsWith("shop_admin_");
}

export function browserKey(): string {
  return session?.browserKey ?? "";
}

/** Tells when somebody has signed in or out; the reason is empty unless a key was refused. */
export function onChange(listen: (signedIn: boolean, reason: string) => void): void {
  listener = listen;
}

/** The pass in an address that signs in once, as `shopalytic dashboard` prints it. */
const PASS = /^#sign-in=([\w-]+)$/;

// Such an address in a tab that shows the dashboard already only changes what is behind the #.
addEventListener("hashchange", () => {
  if (PASS.test(location.hash)) location.reload();
});

/** Takes the pass in the address, or the key that was kept, or else the session on the service's own machine. */
export async function resume(): Promise<{ signedIn: boolean; reason: string }> {
  const pass = PASS.exec(location.hash)?.[1];
  if (pass) {
    history.replaceState(history.state, "", "#/");
    session = await localSession("POST", pass);
    if (session) {
      sessionStorage.removeItem(PLACE);
      sessionStorage.removeItem(SIGNED_OUT);
      return { signedIn: true, reason: "" };
    }
  }
  const kept = sessionStorage.getItem(PLACE) ?? localStorage.getItem(PLACE);
  // A key that somebody typed may be another project's, to which no browser key is known here.
  if (kept) session = { key: kept, browserKey: "" };
  else session = sessionStorage.getItem(SIGNED_OUT) ? null : await localSession("GET");
  const used = "This address has signed in before or is too old. Print another by `shopalytic dashboard`.";
  return { signedIn: session !== null, reason: pass && !session ? used : "" };
}

export function signIn(given: string, remember: boolean): void {
  session = { key: given, browserKey: "" };
  sessionStorage.setItem(PLACE, given);
  sessionStorage.removeItem(SIGNED_OUT);
  if (remember) localStorage.setItem(PLACE, given);
  listener(true, "");
}

/** Forgets the key here and wherever it was kept. */
export function signOut(reason = ""): void {
  if (session === null) return;
  session = null;
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
  // After a refusal the server of this machine may give another one.
  if (!reason) {
    sessionStorage.setItem(SIGNED_OUT, "1");
    void fetch(LOCAL, { method: "DELETE" }).catch(() => undefined);
  }
  listener(false, reason);
}

/** The service's own machine hands out its default project's keys, for a pass or a cookie; others answer with nothing. */
async function localSession(method: "GET" | "POST", token?: string): Promise<Session | null> {
  try {
    const body = token === undefined ? null : JSON.stringify({ token });
    const answer = await fetch(LOCAL, { method, body, cache: "no-store" });
    if (answer.status !== 200) return null;
    const given = (await answer.json()) as { reports_key: string; browser_key: string };
    return { key: given.reports_key, browserKey: given.browser_key };
  } catch {
    return null;
  }
}
