/** The deployment: one row, which exists from set-up on. */
import { eq } from "drizzle-orm";
import { query } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";

/** Id of the one row: two set-ups at once collide on it. */
export const DEPLOYMENT_ID = "deployment";

export interface Deployment {
  readonly is_set_up: boolean;
  /** Null before set-up. */
  readonly display_name: string | null;
}

/** The name, or undefined before set-up. */
export async function findDeployment(reader: Reader): Promise<{ readonly display_name: string } | undefined> {
  const { deployments } = reader.tables;
  const [found] = await reader.select({ display_name: deployments.display_name }).from(deployments).where(eq(deployments.id, DEPLOYMENT_ID));
  return found;
}

export const readDeployment = query("deployment.read", async ({ reader }, _input: undefined): Promise<Deployment> => {
  const found = await findDeployment(reader);
  return { is_set_up: found !== undefined, display_name: found?.display_name ?? null };
});
