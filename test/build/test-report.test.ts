import { expect, test } from "bun:test";
import { add, countRun, failedNames, nothingCounted, oneFailure, skippedNames, summaryLine } from "../../build/test-report.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="7" assertions="1" failures="2" skipped="2" time="0.01">
  <testsuite name="a.test.ts" file="test/a.test.ts" tests="7" assertions="1" failures="2" skipped="2" time="0.001" hostname="vm">
    <testcase name="passes &amp; &lt;x&gt;" classname="" time="0.02" file="test/a.test.ts" line="2" assertions="0" />
    <testcase name="draws a page (needs chromium: apt-get install &quot;chromium&quot;)" classname="" time="0" file="test/a.test.ts" line="3" assertions="0">
      <skipped />
    </testcase>
    <testcase name="later" classname="d" time="0" file="test/a.test.ts" line="4" assertions="0">
      <skipped message="TODO" />
    </testcase>
    <testcase name="fails" classname="d" time="0.1" file="test/a.test.ts" line="5" assertions="1">
      <failure type="AssertionError" message="no">no</failure>
    </testcase>
  </testsuite>
</testsuites>`;
const passed = report.replace('failures="2" skipped="2" time="0.01"', 'failures="0" skipped="2" time="0.01"');

test("the numbers are those of the report's head", () => {
  expect(countRun({ exitCode: 1, report, files: ["test/a.test.ts"] })).toEqual({ passed: 3, failed: 2, skipped: 2 });
  expect(countRun({ exitCode: 0, report: passed, files: ["test/a.test.ts"] })).toEqual({ passed: 5, failed: 0, skipped: 2 });
});

test("a file that could not be loaded is in no report, and is a failure", () => {
  expect(countRun({ exitCode: 1, report, files: ["test/a.test.ts", "test/b.test.ts"] })).toMatchObject({ failed: 3 });
});

test("a run that was killed, or failed without a word, is a failure", () => {
  expect(countRun({ exitCode: 137, report: undefined, files: [] })).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countRun({ exitCode: 1, report: passed, files: ["test/a.test.ts"] })).toMatchObject({ failed: 1 });
});

test("skipped tests are told by name, with what would have to be installed", () => {
  expect(skippedNames(report)).toEqual(['draws a page (needs chromium: apt-get install "chromium")', "later"]);
});

test("failed tests are told by file and name", () => {
  expect(failedNames(report)).toContain("test/a.test.ts: fails");
  expect(failedNames(passed.replaceAll(/<failure[^]*?<\/failure>/g, ""))).toEqual([]);
});

test("runs add up to the one line that is read by others", () => {
  const sum = add(add({ passed: 10, failed: 0, skipped: 1 }, oneFailure), nothingCounted);
  expect(summaryLine(sum)).toBe("10 passed, 1 failed, 1 skipped");
});
