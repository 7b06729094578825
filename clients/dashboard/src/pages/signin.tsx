/** Asks for a key that may read reports, and tries it before it is taken. */
import { AdminService } from "contract/admin_pb";
import { Code, ConnectError } from "@connectrpc/connect";
import { useState } from "preact/hooks";
import { attempt } from "../answers";
import { signIn } from "../session";

export function SignIn({ reason }: { reason: string }) {
  const [wrong, setWrong] = useState(reason);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = String(form.get("key") ?? "").trim();
    setBusy(true);
    setWrong("");
    try {
      await attempt(AdminService.method.getProject, {}, given);
      signIn(given, form.get("remember") === "on");
    } catch (cause) {
      setWrong(sentence(ConnectError.from(cause)));
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Shopalytic</h1>
        <p>
          Sign in with a key of class <b>reports</b>, or <b>admin</b> to repair quarantine too. On the server, <code>shopalytic key show reports</code> prints one.
        </p>
        <p>
          On the machine where the service runs, <code>shopalytic dashboard</code> prints an address that signs you in without a key.
        </p>
        {/* What a password manager keeps the key under. */}
        <input name="username" autocomplete="username" value="Shopalytic" readonly hidden />
        <label class="field">
          <span>Key</span>
          <input
            name="key"
            type="password"
            required
            autocomplete="current-password"
            spellcheck={false}
            placeholder="shop_reports_…"
            aria-describedby="sign-in-wrong"
          />
        </label>
        <label class="tick">
          <input type="checkbox" name="remember" /> Remember it in this browser
        </label>
        <button type="submit" class="primary" disabled={busy}>
          Sign in
        </button>
        <p id="sign-in-wrong" class="wrong" role="alert">
          {wrong}
        </p>
      </form>
    </main>
  );
}

function sentence(error: ConnectError): string {
  if (error.code === Code.Unauthenticated) return "This key is not valid, or it was revoked.";
  if (error.code === Code.PermissionDenied) return "This key may not read reports; use one of class reports or admin.";
  return `The key could not be tried: ${error.rawMessage}`;
}
