/** Asks who somebody is: by e-mail address and password, or by a key that may read reports, which is tried before it is taken. */
import { AdminService } from "contract/admin_pb";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { attempt } from "../answers";
import { signIn, signInPerson } from "../session";

const KEY = /^shop_(?:browser|server|reports|admin)_/;
const SHORTEST = 12;

export function SignIn({ reason }: { reason: string }) {
  const take = async (form: FormData): Promise<string> => {
    const of = (name: string): string => String(form.get(name) ?? "").trim();
    const [email, project, secret] = [of("email"), of("project"), String(form.get("key") ?? "")];
    if (!email && !KEY.test(secret.trim())) return "Give your e-mail address, or a key in place of the password.";
    if (email) return signInPerson({ email, password: secret, ...(project && { project }) });
    try {
      await attempt(AdminService.method.getProject, {}, secret.trim());
    } catch (cause) {
      return sentence(ConnectError.from(cause));
    }
    signIn(secret.trim(), form.get("remember") === "on");
    return "";
  };
  return (
    <Form reason={reason} take={take} action="Sign in" after={<Keys />}>
      <label class="field">
        <span>E-mail address</span>
        <input name="email" type="email" autocomplete="username" spellcheck={false} aria-describedby="sign-in-wrong" />
      </label>
      <label class="field">
        <span>Password or key</span>
        <input name="key" type="password" required autocomplete="current-password" spellcheck={false} aria-describedby="sign-in-wrong" />
      </label>
      <details>
        <summary>Another project</summary>
        <label class="field">
          <span>Project, if your address is in several</span>
          <input name="project" autocomplete="off" spellcheck={false} />
        </label>
      </details>
      <label class="tick">
        <input type="checkbox" name="remember" /> Remember a key in this browser
      </label>
    </Form>
  );
}

function Keys() {
  return (
    <p class="note">
      Sign in with a key of class <b>reports</b> or <b>admin</b> by leaving the e-mail address empty. On the server, <code>shopalytic key show reports</code>{" "}
      prints one, <code>shopalytic user add</code> lets people in, and <code>shopalytic dashboard</code> prints an address that
      signs you in without a key.
    </p>
  );
}

/** Where a link leads that a person was given to choose a password. */
export function ChoosePassword({ link, cancel }: { link: string; cancel: () => void }) {
  const take = async (form: FormData): Promise<string> => {
    const password = String(form.get("password") ?? "");
    if (password !== String(form.get("again") ?? "")) return "The two passwords differ; write the same twice.";
    return signInPerson({ link, password });
  };
  const already = (
    <button type="button" class="quiet" onClick={cancel}>
      I have a password already
    </button>
  );
  return (
    <Form reason="" take={take} action="Choose it and sign in" after={already}>
      <h2>Choose a password</h2>
      <p>It has {SHORTEST} characters at least. Several words make a good one.</p>
      <label class="field">
        <span>Password</span>
        <input name="password" type="password" required minlength={SHORTEST} maxlength={200} autocomplete="new-password" aria-describedby="sign-in-wrong" />
      </label>
      <label class="field">
        <span>The same again</span>
        <input name="again" type="password" required autocomplete="new-password" aria-describedby="sign-in-wrong" />
      </label>
    </Form>
  );
}

interface FormProps {
  reason: string;
  /** Takes what was given; gives what is wrong with it, or "". */
  take: (form: FormData) => Promise<string>;
  action: string;
  /** What stands below the button. */
  after?: ComponentChildren;
  children: ComponentChildren;
}

function Form({ reason, take, action, after, children }: FormProps) {
  const [wrong, setWrong] = useState(reason);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setWrong("");
    const told = await take(form);
    if (!told) return;
    setWrong(told);
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Shopalytic</h1>
        {children}
        <button type="submit" class="primary" disabled={busy}>
          {action}
        </button>
        <p id="sign-in-wrong" class="wrong" role="alert">
          {wrong}
        </p>
        {after}
      </form>
    </main>
  );
}

function sentence(error: ConnectError): string {
  if (error.code === Code.Unauthenticated) return "This key is not valid, or it was revoked.";
  if (error.code === Code.PermissionDenied) return "This key may not read reports; use one of class reports or admin.";
  return `The key could not be tried: ${error.rawMessage}`;
}
