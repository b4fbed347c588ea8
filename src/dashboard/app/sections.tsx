/** The sections of the dashboard: where each stands, what the license has to carry for it, and which page is shown. */
import type { ReactNode } from "react";
import { Account } from "./pages/account.tsx";
import { Agent } from "./pages/agent.tsx";
import { Agents } from "./pages/agents.tsx";
import { Audit } from "./pages/audit.tsx";
import { Containers } from "./pages/containers.tsx";
import { Federation } from "./pages/federation.tsx";
import { Identity } from "./pages/identity.tsx";
import { Keys } from "./pages/keys.tsx";
import { License } from "./pages/license.tsx";
import { Members } from "./pages/members.tsx";
import { Notifications } from "./pages/notifications.tsx";
import { Overview } from "./pages/overview.tsx";
import { System } from "./pages/system.tsx";
import { Task, Tasks } from "./pages/tasks.tsx";
import { Users } from "./pages/users.tsx";
import { Webhook } from "./pages/webhook.tsx";
import { Webhooks } from "./pages/webhooks.tsx";
import { Workflow, Workflows } from "./pages/workflows.tsx";
import type { Word } from "./words.ts";

export interface Section {
  readonly path: string;
  readonly title: Word;
  /** The license has to carry it; the section is not shown otherwise, and its address says why. */
  readonly feature?: string;
  /** It makes sense without a team. */
  readonly isPersonal?: boolean;
  readonly isForAdministrators?: boolean;
  readonly page: ReactNode;
  /** One of the things in it, by its id in the address. */
  readonly one?: (id: string) => ReactNode;
}

export const sections: readonly Section[] = [
  { path: "/", title: "overview", isPersonal: true, page: <Overview /> },
  { path: "/workflows", title: "workflows", page: <Workflows />, one: (id) => <Workflow id={id} /> },
  { path: "/tasks", title: "tasks", page: <Tasks />, one: (id) => <Task id={id} /> },
  { path: "/agents", title: "agents", page: <Agents />, one: (id) => <Agent id={id} /> },
  { path: "/keys", title: "keys", page: <Keys /> },
  { path: "/members", title: "members", page: <Members /> },
  { path: "/webhooks", title: "webhooks", feature: "team.webhooks", page: <Webhooks />, one: (id) => <Webhook id={id} /> },
  { path: "/containers", title: "containers", feature: "team.container_services", page: <Containers /> },
  { path: "/notifications", title: "notifications", feature: "global.notifications", isPersonal: true, page: <Notifications /> },
  { path: "/license", title: "license", isPersonal: true, page: <License /> },
  { path: "/users", title: "users", isPersonal: true, isForAdministrators: true, page: <Users /> },
  { path: "/identity", title: "identity", isPersonal: true, isForAdministrators: true, page: <Identity /> },
  { path: "/federation", title: "federation", isPersonal: true, isForAdministrators: true, page: <Federation /> },
  { path: "/system", title: "system", isPersonal: true, isForAdministrators: true, page: <System /> },
  { path: "/audit", title: "audit", page: <Audit /> },
  { path: "/profile", title: "account", isPersonal: true, page: <Account /> },
];

export interface Found {
  readonly section: Section;
  readonly page: ReactNode;
}

/** What stands at the path; undefined for nothing. */
export function findPage(path: string): Found | undefined {
  const [, base = "", id] = /^(\/[^/]*)(?:\/([^/]+))?\/?$/.exec(path) ?? [];
  const section = sections.find((each) => each.path === base);
  if (section === undefined) return undefined;
  if (id === undefined) return { section, page: section.page };
  return section.one === undefined ? undefined : { section, page: section.one(decodeURIComponent(id)) };
}
