/** The entry of the second executable, `cyberun-vendor`. */
import { realServices } from "../services.ts";
import { runVendor } from "./vendor.ts";

process.exitCode = runVendor(
  process.argv.slice(2),
  { services: realServices(), directory: process.cwd() },
  { out: (text) => void process.stdout.write(text), error: (text) => void process.stderr.write(text) },
);
