/** The frame around every page: who is signed in, in which team, how the license stands, and the way to the other sections. */
import { useQuery } from "@tanstack/react-query";
import { Component, type ReactNode, useMemo, useState } from "react";
import { ApiError } from "../../../client/src/api.ts";
import { go, usePath } from "./address.ts";
import { apiIn, hasFeature, type Site, SiteContext } from "./deployment.ts";
import { Badge, Failure, Heading, Link, Loading, Notice } from "./parts/pieces.tsx";
import { licenseWords } from "./license-words.ts";
import { findPage, sections } from "./sections.tsx";
import { daysText, daysUntil, say, when } from "./words.ts";

const LICENSE_EVERY_MS = 10_000;
const TEAM = "cyberun.team";

/** A bug in a page leaves the frame standing, with a way to go on. */
class Guard extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Failure error={this.state.error} again={() => location.reload()} />;
  }
}

/** Days before the license's end from which each step of the reminder is shown, until it is put away or the next step comes. */
const reminderDays = [1, 7, 14, 30, 90];
const REMINDED = "cyberun.reminded";

/** Says in steps that the license ends, more urgently each time. */
function Reminder({ license }: { readonly license: NonNullable<Site["license"]> }) {
  const end = license.license?.expires_at ?? null;
  const left = end === null ? Infinity : daysUntil(end);
  const step = reminderDays.find((days) => left <= days);
  const name = `${license.license?.license_id} ${step}`;
  const [putAway, setPutAway] = useState(() => localStorage.getItem(REMINDED));
  if (step === undefined || end === null || putAway === name) return null;
  const away = () => {
    localStorage.setItem(REMINDED, name);
    setPutAway(name);
  };
  return (
    <Notice tone={step <= 7 ? "bad" : step <= 30 ? "warn" : "info"}>
      <div className="row" id="reminder">
        <span>
          {say("licenseEnds")} {when(end)} ({daysText(left)}). <Link to="/license">{say("toLicense")}</Link>
        </span>
        {step === 1 ? null : (
          <button type="button" className="quiet" onClick={away}>
            {say("putAway")}
          </button>
        )}
      </div>
    </Notice>
  );
}

function Banner({ license }: Pick<Site, "license">) {
  if (license === undefined) return null;
  if (license.state === "ok" || license.state === "expiring") return <Reminder key={license.license?.license_id} license={license} />;
  return (
    <Notice tone={license.is_open ? "warn" : "bad"}>
      <Badge state={license.state} /> {license.is_open ? null : say("closed")} {licenseWords(license.state)[0]} <Link to="/license">{say("toLicense")}</Link>
    </Notice>
  );
}

function Missing() {
  return (
    <>
      <Heading>{say("nothingHere")}</Heading>
      <Link to="/">{say("toStart")}</Link>
    </>
  );
}

/** The page, or why it is not for this license, team or address. */
function Shown({ site, path }: { readonly site: Site; readonly path: string }) {
  const found = findPage(path);
  if (found === undefined) return <Missing />;
  const { section, page } = found;
  if (section.isPersonal !== true && site.team === undefined) {
    return (
      <>
        <Heading>{say(section.title)}</Heading>
        <Notice>{say("noTeam")}</Notice>
      </>
    );
  }
  if (section.isForAdministrators === true && !site.profile.is_administrator) {
    return (
      <>
        <Heading>{say(section.title)}</Heading>
        <Notice tone="warn">{say("onlyAdministrators")}</Notice>
      </>
    );
  }
  if (section.feature !== undefined && site.license?.is_open === true && !hasFeature(site, section.feature)) {
    return (
      <>
        <Heading>{say(section.title)}</Heading>
        <Notice tone="warn">
          <strong>{say("featureOff")}.</strong>
          <p>{say("featureOffText")}</p>
        </Notice>
      </>
    );
  }
  return <>{page}</>;
}

/** By its picture, where the operator has given one, or its name. */
function Deployment() {
  const { deployment = "Cyberun", logo } = document.body.dataset;
  if (logo === undefined) return <p className="deployment">{deployment}</p>;
  return (
    <p className="brand">
      <img id="deployment-logo" src={logo} alt={deployment} height={48} />
    </p>
  );
}

function Sidebar({ site, path, choose }: { readonly site: Site; readonly path: string; readonly choose: (teamId: string) => void }) {
  const base = `/${path.split("/")[1] ?? ""}`;
  const shown = sections.filter(({ feature, isForAdministrators = false }) => (feature === undefined || site.license?.is_open !== true || hasFeature(site, feature)) && (!isForAdministrators || site.profile.is_administrator));
  const teams = site.profile.team_list;
  return (
    <aside>
      <Deployment />
      {teams.length < 2 ? null : (
        <label className="team">
          {say("team")}
          <select value={site.team?.id} onChange={(event) => choose(event.target.value)}>
            {teams.map(({ id, display_name }) => (
              <option key={id} value={id}>
                {display_name}
              </option>
            ))}
          </select>
        </label>
      )}
      <nav aria-label={say("menu")}>
        <ul>
          {shown.map(({ path: to, title }) => (
            <li key={to}>
              <Link to={to} current={to === base}>
                {say(title)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <p className="note" id="who">
        {site.profile.display_name}
      </p>
      <form method="post" action="/sign-out">
        <button type="submit" className="quiet">
          {say("signOut")}
        </button>
      </form>
    </aside>
  );
}

export function App() {
  const path = usePath();
  const [chosen, choose] = useState(() => localStorage.getItem(TEAM));
  const plain = useMemo(() => apiIn(undefined), []);
  const profile = useQuery({ queryKey: ["profile"], queryFn: () => plain.call("user.read_self", {}), staleTime: LICENSE_EVERY_MS });
  const license = useQuery({ queryKey: ["license"], queryFn: () => plain.call("entitlements.read", {}), refetchInterval: LICENSE_EVERY_MS });
  const teams = profile.data?.team_list ?? [];
  const team = teams.find(({ id }) => id === chosen) ?? teams[0];
  const api = useMemo(() => apiIn(team?.id), [team?.id]);
  if (profile.data === undefined) {
    if (profile.error === null) return <Loading />;
    if (profile.error instanceof ApiError && profile.error.status === 401) location.assign("/sign-in");
    return <Failure error={profile.error} again={() => void profile.refetch()} />;
  }
  const site: Site = { api, profile: profile.data, team, license: license.data };
  const keep = (teamId: string) => {
    localStorage.setItem(TEAM, teamId);
    choose(teamId);
    go("/");
  };
  return (
    <SiteContext value={site}>
      <a className="skip" href="#content">
        {say("skip")}
      </a>
      <Sidebar site={site} path={path} choose={keep} />
      <main id="content">
        <Banner license={license.data} />
        <Guard key={`${path} ${team?.id ?? ""}`}>
          <Shown site={site} path={path} />
        </Guard>
      </main>
    </SiteContext>
  );
}
