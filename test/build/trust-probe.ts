/** A program that says whom it trusts; compiled by a test with different keys. */
import { bundledLicense, trustedKeys } from "../../src/license/trust.ts";

console.log(JSON.stringify({ kids: trustedKeys.map(({ kid }) => kid), bundledLicense }));
