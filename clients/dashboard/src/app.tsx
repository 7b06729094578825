/** The frame of every page: who looks, where to go, and the page itself. */
import { AdminService } from "contract/admin_pb";
import { useEffect, useState } from "preact/hooks";
import { forget, useAnswer } from "./answers";
import { Drawer } from "./parts/drawer";
import { Loading } from "./parts/states";
import { Nav, PAGES, Top } from "./shell";
import { onChange, resume, signOut } from "./session";
import { SignIn } from "./pages/signin";
import { useRoute } from "./route";
import { ViewContext, viewOf } from "./view";

type Who = { state: "unknown" } | { state: "in" } | { state: "out"; reason: string };

export function App() {
  const [who, setWho] = useState<Who>({ state: "unknown" });
  const [round, setRound] = useState(0);
  useEffect(() => {
    onChange((signedIn, reason) => {
      forget();
      setRound((n) => n + 1);
      setWho(signedIn ? { state: "in" } : { state: "out", reason });
    });
    void resume().then(({ signedIn, reason }) => setWho(signedIn ? { state: "in" } : { state: "out", reason }));
  }, []);
  if (who.state === "unknown") return <Loading />;
  return who.state === "in" ? <Inside key={round} /> : <SignIn reason={who.reason} />;
}

function Inside() {
  const route = useRoute();
  const project = useAnswer(AdminService.method.getProject, {});
  const page = PAGES.find((each) => each.name === route.page) ?? PAGES[0];
  const explain = route.params.get("explain") ?? "";
  useEffect(() => {
    document.title = `${page?.title ?? ""} · Shopalytic`;
  }, [page]);
  // Reports need the project's time zone: asking before it is known would ask twice.
  if (!project.error && project.value === undefined) return <Loading />;
  const view = viewOf(route, project.value?.project);
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
          <Top title={page?.title ?? ""} project={project.value?.project?.name ?? ""} signOut={() => signOut()} />
          <main id="main" tabindex={-1}>
            {page && <page.Page key={`${page.name}/${route.item}`} />}
          </main>
        </div>
      </div>
      {explain && <Drawer key={explain} token={explain} of={route.params.get("of") ?? ""} />}
    </ViewContext.Provider>
  );
}
