/** The frame of every page: who looks, where to go, and the page itself. */
import { AdminService } from "contract/admin_pb";
import { useCallback, useEffect, useState } from "preact/hooks";
import { forget, useAnswer } from "./answers";
import { Conditions } from "./parts/filterbar";
import { Drawer } from "./parts/drawer";
import { Empty, Loading } from "./parts/states";
import { useKeys } from "./keys";
import { Opened } from "./opened";
import { pages } from "./pagelist";
import { CommandBox } from "./parts/command";
import { Foot, Nav, Top } from "./shell";
import { onChange, resume, signOut } from "./session";
import { ChoosePassword, SignIn } from "./pages/signin";
import { link, useRoute } from "./route";
import { ViewContext, viewOf } from "./view";

type Who = { state: "unknown" } | { state: "in" } | { state: "out"; reason: string } | { state: "choose"; link: string };

export function App() {
  const [who, setWho] = useState<Who>({ state: "unknown" });
  const [round, setRound] = useState(0);
  useEffect(() => {
    onChange((signedIn, reason) => {
      forget();
      setRound((n) => n + 1);
      setWho(signedIn ? { state: "in" } : { state: "out", reason });
    });
    void resume().then(({ signedIn, reason, choice }) =>
      setWho(choice ? { state: "choose", link: choice } : signedIn ? { state: "in" } : { state: "out", reason }),
    );
  }, []);
  if (who.state === "unknown") return <Loading />;
  if (who.state === "choose") return <ChoosePassword link={who.link} cancel={() => setWho({ state: "out", reason: "" })} />;
  return who.state === "in" ? <Inside key={round} /> : <SignIn reason={who.reason} />;
}

function NotFound({ name }: { name: string }) {
  const first = pages()[0] ?? { name: "definitions", title: "Definitions" };
  return (
    <Empty title={`There is no page “${name}”`}>
      The address may be mistyped, of another version, or of a page that your role may not open. Go to <a href={link(first.name)}>{first.title}</a>.
    </Empty>
  );
}

/** The pages that show times, and have no range that could name whose they are. */
const TIMED = ["customers", "live", "quarantine"];

function Inside() {
  const route = useRoute();
  const project = useAnswer(AdminService.method.getProject, {});
  const page = pages().find((each) => each.name === route.page);
  const first = pages()[0]?.name ?? "";
  useEffect(() => {
    // Where everybody arrives, some may not be.
    if (route.page === "overview" && !page && first) location.replace(link(first));
  }, [route.page, page, first]);
  const title = page?.title ?? "Page not found";
  const explain = route.params.get("explain") ?? "";
  useEffect(() => {
    document.title = `${title} · Shopalytic`;
  }, [title]);
  const [searching, setSearching] = useState(false);
  const search = useCallback(() => setSearching(true), []);
  const view = viewOf(route, project.value?.project);
  useKeys(view.range, view.zone, search);
  // Reports need the project's time zone: asking before it is known would ask twice.
  if (!project.error && project.value === undefined) return <Loading />;
  return (
    <ViewContext.Provider value={view}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <div class="frame">
        <Nav page={page?.name ?? ""} />
        <div class="column">
          <Top title={title} project={project.value?.project?.name ?? ""} search={search} signOut={() => signOut()} />
          <main id="main" tabindex={-1}>
            {page && !route.item && <p class="purpose">{page.purpose}</p>}
            {view.reports.length === 0 && <Conditions />}
            {TIMED.includes(route.page) && <p class="note">Days and times of {view.zone}</p>}
            {page ? <Opened key={`${page.name}/${route.item}`} name={page.name} /> : <NotFound name={route.page} />}
          </main>
          <Foot />
        </div>
      </div>
      {searching && <CommandBox close={() => setSearching(false)} />}
      {explain && <Drawer key={explain} token={explain} of={route.params.get("of") ?? ""} />}
    </ViewContext.Provider>
  );
}
