/** Who looks: a person with a role, or whoever has a key; where that is kept, and what this machine hands to its own page. */
const PLACE = "shopalytic.key";
const SIGNED_OUT = "shopalytic.signed-out";
const LOCAL = "/session.json";
const PEOPLE = "/sign-in";

/** Somebody who has signed in by e-mail and password; the cookie of that no script can read. */
export interface Person {
  email: string;
  role: string;
  project: string;
  /** What the role may ask: "ReportService/GetSalesReport". The server decides, and the page hides what is refused. */
  calls: string[];
}

export interface Session {
  /** Empty for a person. */
  key: string;
  person?: Person;
  /** The public key of web pages, where this machine told it. */
  browserKey: string;
}

let session: Session | null = null;
let listener: (signedIn: boolean, reason: string) => void = () => {};

export function key(): string {
  return session?.key ?? "";
}

/** Whether the key is of the class, or the person of the role, that may change things; the server decides. */
export function isAdmin(): boolean {
  return key().startsWith("shop_admin_") || session?.person?.role === "owner";
}

export function person(): Person | undefined {
  return session?.person;
}

/** Tells one who looks from another. */
export function asker(): string {
  return session?.person?.email ?? key();
}

/** Whether a call such as "ReportService/ListCustomers" is worth making: of a key the page does not know. */
export function mayCall(call: string): boolean {
  return session?.person?.calls.includes(call) ?? true;
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
/** The link by which a person chooses a password. */
const CHOICE = /^#choose-password=([\w-]+)$/;

// Such an address in a tab that shows the dashboard already only changes what is behind the #.
addEventListener("hashchange", () => {
  if (PASS.test(location.hash) || CHOICE.test(location.hash)) location.reload();
});

export interface Resumed {
  signedIn: boolean;
  reason: string;
  /** What a link by which a password is chosen holds. */
  choice?: string;
}

/** Takes the pass in the address, or the key that was kept, or a person's session, or else that on the service's own machine. */
export async function resume(): Promise<Resumed> {
  const choice = CHOICE.exec(location.hash)?.[1];
  if (choice) {
    // Out of the address, and of what the browser remembers of it.
    history.replaceState(history.state, "", "#/");
    return { signedIn: false, reason: "", choice };
  }
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
  else session = sessionStorage.getItem(SIGNED_OUT) ? null : ((await personSession()) ?? (await localSession("GET")));
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

/** Signs a person in by what the form has: address and password, or a link and a new password. Gives what is wrong, or "". */
export async function signInPerson(given: Record<string, string>): Promise<string> {
  let answer: Response;
  try {
    const headers = { "content-type": "application/json" };
    answer = await fetch(PEOPLE, { method: "POST", headers, body: JSON.stringify(given), cache: "no-store" });
  } catch {
    return "The server cannot be reached; try again.";
  }
  if (!answer.ok) return sentenceOf(await answer.json().catch(() => null));
  session = { key: "", browserKey: "", person: (await answer.json()) as Person };
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
  sessionStorage.removeItem(SIGNED_OUT);
  listener(true, "");
  return "";
}

function sentenceOf(refusal: unknown): string {
  const told = refusal as { error?: { message?: string } } | null;
  return told?.error?.message ?? "The server could not answer; try again.";
}

/** Forgets the key here and wherever it was kept, and ends a person's session. */
export function signOut(reason = ""): void {
  if (session === null) return;
  session = null;
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
  // After a refusal the server of this machine may give another one.
  if (!reason) {
    sessionStorage.setItem(SIGNED_OUT, "1");
    for (const place of [LOCAL, PEOPLE]) void fetch(place, { method: "DELETE", keepalive: true }).catch(() => undefined);
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

/** The person whose cookie the browser has, if there is one. */
async function personSession(): Promise<Session | null> {
  try {
    const answer = await fetch(PEOPLE, { cache: "no-store" });
    if (answer.status !== 200) return null;
    return { key: "", browserKey: "", person: (await answer.json()) as Person };
  } catch {
    return null;
  }
}
