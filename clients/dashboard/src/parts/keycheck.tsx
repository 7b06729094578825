/** Whether a key can send events, tried at the door that the tag uses. */
import { useEffect, useState } from "preact/hooks";

const PAUSE_MS = 300;

export function KeyCheck({ given }: { given: string }) {
  const [said, setSaid] = useState<{ key: string; wrong: string } | null>(null);
  useEffect(() => {
    if (!given) return;
    const timer = setTimeout(() => void tried(given).then((wrong) => setSaid({ key: given, wrong })), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [given]);
  if (!given || said?.key !== given) return null;
  return said.wrong ? (
    <p class="wrong" role="alert">
      This key cannot send events: {said.wrong}
    </p>
  ) : (
    <p class="arrived" role="status">
      This key can send events.
    </p>
  );
}

/** What is wrong with a key; empty: nothing. No event is sent: a good key is told that there is none. */
async function tried(token: string): Promise<string> {
  try {
    const body = JSON.stringify({ token, events: [] });
    const answer = await fetch("/collect", { method: "POST", body, headers: { "content-type": "text/plain" } });
    const { error } = (await answer.json()) as { error?: { code: string; message: string } };
    return error && ["unauthenticated", "permission_denied"].includes(error.code) ? error.message : "";
  } catch {
    return "the server cannot be reached. Try again.";
  }
}
