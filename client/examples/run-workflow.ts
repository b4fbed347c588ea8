/** Runs a workflow with an integration key, waits for its task and prints what came of it: `CYBERUN_URL`, `CYBERUN_API_KEY`, and the slug as argument. */
import { ApiError, createApi } from "@cyberun/client/api";

const api = createApi({ baseUrl: process.env["CYBERUN_URL"] ?? "http://localhost:9401", credential: process.env["CYBERUN_API_KEY"] ?? "" });
const [slug = "hello"] = process.argv.slice(2);

try {
  // The same key in a repeat is the same run, so a lost answer costs nothing.
  const { task_id } = await api.call("task.run_by_slug", { path: { workflow_slug: slug }, body: { parameters: {} } }, { idempotencyKey: crypto.randomUUID() });
  // The stream ends with the task.
  await (await api.open("task.follow", { path: { task_id } })).text();
  const { task_status, task_output } = await api.call("task.read_result", { path: { task_id } });
  console.log(JSON.stringify({ task_status, task_output }));
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  console.error(`${error.code}: ${error.message} ${error.hint ?? ""}`);
  process.exitCode = 1;
}
