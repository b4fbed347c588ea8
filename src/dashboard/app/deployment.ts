/** The API as the dashboard asks it: with the browser's cookie, in the team that was chosen, each question kept and asked again. */
import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { Answer, Api, Input, OperationName } from "../../../client/api.d.ts";
import { go } from "./address.ts";
import { ApiError, createApi } from "../../../client/src/api.ts";
import { say } from "./words.ts";

const RETRIES_MAX = 2;

/**
 * Refusals are answers; only what may pass is asked again. A browser that thinks itself offline is asked all the same: on a
 * host without the internet the deployment is there.
 */
export const queries = new QueryClient({
  defaultOptions: { mutations: { networkMode: "always" }, queries: { networkMode: "always", retry: (count, error) => count < RETRIES_MAX && !(error instanceof ApiError), staleTime: 1_000, refetchOnWindowFocus: true } },
});

export function apiIn(teamId: string | undefined): Api {
  return createApi({ baseUrl: location.origin, retriesMax: 0, ...(teamId === undefined ? {} : { teamId }) });
}

export interface Site {
  readonly api: Api;
  readonly profile: Answer<"user.read_self">;
  readonly team: { readonly id: string; readonly display_name: string } | undefined;
  readonly license: Answer<"entitlements.read"> | undefined;
}

export const SiteContext = createContext<Site | undefined>(undefined);

export function useSite(): Site {
  const site = useContext(SiteContext);
  if (site === undefined) throw new Error("the page stands outside the site");
  return site;
}

export interface AskOptions {
  /** Asked again so often, while the page is seen. */
  readonly everyMs?: number;
  readonly enabled?: boolean;
}

/** An answer that is kept up to date. */
export function useAnswer<Name extends OperationName>(operation: Name, input: Input<Name>, { everyMs, enabled = true }: AskOptions = {}) {
  const { api, team } = useSite();
  return useQuery({
    queryKey: [operation, team?.id, input],
    queryFn: ({ signal }) => api.call(operation, input, { signal }),
    placeholderData: keepPreviousData,
    enabled,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}

interface Asked<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** An answer that is a page of a list, as a list shows it. */
export function pageIn<Data extends { readonly page_meta: { readonly total_count: number } }, Row>({ data, error, refetch }: Asked<Data>, rowsOf: (data: Data) => readonly Row[]) {
  return { data: data === undefined ? undefined : { rows: rowsOf(data), total: data.page_meta.total_count }, error, refetch };
}

const KEY_BYTES = 16;

/** Names one deed. By random bytes and not `randomUUID`, which browsers keep from pages that came over plain HTTP. */
function deedKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface DeedOptions {
  /** Where the reader goes after it, since the page's own thing is gone with it. */
  readonly leadsTo?: string;
}

/** A deed; what was asked before is asked anew after it. */
export function useDeed<Name extends OperationName>(operation: Name, { leadsTo }: DeedOptions = {}) {
  const { api } = useSite();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: Input<Name>) => api.call(operation, input, { idempotencyKey: deedKey() }),
    async onSuccess() {
      // What is gone is not asked for again; the next page asks for its own.
      if (leadsTo === undefined) return await client.invalidateQueries();
      await client.invalidateQueries({ refetchType: "none" });
      go(leadsTo);
    },
  });
}

/** What a refusal says to a person; that the server did not answer, where it said nothing. */
export function sentencesOf(error: unknown): readonly string[] {
  if (error === null || error === undefined) return [];
  if (error instanceof ApiError) return error.hint === undefined ? [error.message] : [error.message, error.hint];
  return [say("offline")];
}

/** Whether the license carries the feature, for the person in the team. */
export function hasFeature({ profile: { feature_flags: flags }, team }: Pick<Site, "profile" | "team">, name: string): boolean {
  const [namespace = "", key = ""] = name.split(".");
  const all = namespace === "team" ? flags.teams[team?.id ?? ""] : namespace === "account" ? flags.account : flags.global;
  return all?.features[key] === true;
}
