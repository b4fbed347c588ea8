/** The executable's entry point. For now it only tells what it is. */
import { version } from "./version.ts";

process.stdout.write(`cyberun ${version}\n`);
