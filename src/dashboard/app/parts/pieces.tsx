/** Small parts that every page is made of: links, headings, badges, notices, and what stands there while nothing does. */
import { type MouseEvent, type ReactNode, useEffect, useRef } from "react";
import { go } from "../address.ts";
import { sentencesOf } from "../deployment.ts";
import { say } from "../words.ts";

export function Link({ to, children, current = false }: { readonly to: string; readonly children: ReactNode; readonly current?: boolean }) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} onClick={follow} {...(current ? { "aria-current": "page" as const } : {})}>
      {children}
    </a>
  );
}

/** A page's heading; the reader's place goes to it when the page changes. */
export function Heading({ children, actions }: { readonly children: ReactNode; readonly actions?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ""} · ${document.body.dataset["deployment"] ?? "Cyberun"}`;
    heading.current?.focus({ preventScroll: true });
  }, [children]);
  return (
    <div className="row">
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
      {actions}
    </div>
  );
}

const tones: Readonly<Record<string, string>> = {
  ok: "good",
  active: "good",
  completed: "good",
  idle: "good",
  done: "good",
  delivered: "good",
  signing: "good",
  problem: "bad",
  warning: "warn",
  skipped: "soft",
  retired: "soft",
  gone: "soft",
  draining: "warn",
  running: "busy",
  busy: "busy",
  queued: "busy",
  expiring: "warn",
  unreachable: "warn",
  waiting: "warn",
  pending: "warn",
  failed: "bad",
  refused: "bad",
  cancelled: "soft",
  disabled: "soft",
  revoked: "soft",
  expired: "bad",
};

export function Badge({ state }: { readonly state: string }) {
  return <span className={`badge ${tones[state] ?? "bad"}`}>{state.replaceAll("_", " ")}</span>;
}

export function Notice({ tone = "info", children }: { readonly tone?: "info" | "warn" | "bad" | "good"; readonly children: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** What went wrong, with what would help; and a way to ask again. */
export function Failure({ error, again }: { readonly error: unknown; readonly again?: () => void }) {
  const said = sentencesOf(error);
  return (
    <Notice tone="bad">
      <strong>{say("failed")}.</strong>
      {said.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {again === undefined ? null : (
        <button type="button" className="quiet" onClick={again}>
          {say("retry")}
        </button>
      )}
    </Notice>
  );
}

/** An empty place that teaches: what it is for, and the command that fills it. */
export function Empty({ children, command }: { readonly children: ReactNode; readonly command?: string }) {
  return (
    <div className="empty">
      <p>{children}</p>
      {command === undefined ? null : (
        <pre tabIndex={0}>
          <code>{command}</code>
        </pre>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <p className="note" role="status">
      {say("loading")}
    </p>
  );
}

/** A page whose one thing is not here yet, or not at all. */
export function Absent({ title, error, again }: { readonly title: string; readonly error: unknown; readonly again: () => void }) {
  return (
    <>
      <Heading>{title}</Heading>
      {error === null ? <Loading /> : <Failure error={error} again={again} />}
    </>
  );
}
