import { afterEach, describe, expect, test } from "bun:test";
import { type BindingVerdict, checkBinding, kindsRequired } from "../../../src/license/server/binding.ts";
import { hostFiles, partName, readHostParts } from "../../../src/license/server/host-parts.ts";
import { type HostFacts, type HostFolder, hostFolder, referenceHost } from "../../support/host-folder.ts";

const DEPLOYMENT = "plant-7";
const folders: HostFolder[] = [];
afterEach(() => folders.splice(0).forEach((folder) => folder.remove()));

function folderOf(facts: HostFacts): HostFolder {
  const folder = hostFolder(facts);
  folders.push(folder);
  return folder;
}

function partsOf(facts: HostFacts, deployment = DEPLOYMENT): readonly string[] {
  return readHostParts(hostFiles(folderOf(facts).root), deployment);
}

const firstUse = { kind: "first_use" } as const;

function firstUseOn(before: HostFacts, after: HostFacts): BindingVerdict {
  const bound = checkBinding(firstUse, { parts: partsOf(before), clusterId: undefined, boundParts: undefined });
  if (bound.kind !== "newly_bound") return bound;
  return checkBinding(firstUse, { parts: partsOf(after), clusterId: undefined, boundParts: bound.parts });
}

/** What a service sees that is not root: the DMI serials are hidden. */
const plainUser: HostFacts = { ...referenceHost, productUuid: undefined, boardSerial: undefined };
const guest: HostFacts = { machineId: "aa".repeat(16), productUuid: "7d1e9a60-1111-4222-8333-444455556666", macs: ["52:54:00:aa:00:01"] };
const container: HostFacts = { productUuid: referenceHost.productUuid, boardSerial: referenceHost.boardSerial, disks: referenceHost.disks };
const otherMacs = ["d0:94:66:99:00:01"];
const otherDisks = { sda: "naa.5000c500a1b2c3d4" };

/** The published matrix (docs/lease-protocol.md): a change, the host before it, after it, and what a `first_use` license says. */
const matrix: readonly (readonly [string, HostFacts, HostFacts, "accept" | "warn" | "reject"])[] = [
  ["nothing changes", referenceHost, referenceHost, "accept"],
  ["kernel update", referenceHost, { ...referenceHost, other: { "proc/version": "Linux version 6.6.9\n" } }, "accept"],
  ["host renamed", referenceHost, { ...referenceHost, other: { "etc/hostname": "line-9\n" } }, "accept"],
  ["memory added", referenceHost, { ...referenceHost, other: { "proc/meminfo": "MemTotal: 64 GB\n" } }, "accept"],
  ["network card added", referenceHost, { ...referenceHost, macs: [...referenceHost.macs, ...otherMacs] }, "accept"],
  ["one of two network cards removed", referenceHost, { ...referenceHost, macs: referenceHost.macs.slice(1) }, "accept"],
  ["disk added", referenceHost, { ...referenceHost, disks: { ...referenceHost.disks, sdb: "naa.5000c500a1b2c3d4" } }, "accept"],
  ["one of two disks replaced", referenceHost, { ...referenceHost, disks: { ...referenceHost.disks, sda: "naa.5000c500a1b2c3d4" } }, "accept"],
  ["all network cards swapped", referenceHost, { ...referenceHost, macs: otherMacs }, "warn"],
  ["machine-id regenerated", referenceHost, { ...referenceHost, machineId: "bb".repeat(16) }, "warn"],
  ["disks replaced, system restored from its image", referenceHost, { ...referenceHost, disks: otherDisks }, "warn"],
  ["disks replaced, system installed anew", referenceHost, { ...referenceHost, disks: otherDisks, machineId: "bb".repeat(16) }, "warn"],
  ["board replaced with its network cards", referenceHost, { ...referenceHost, productUuid: "x1", boardSerial: "x2", macs: otherMacs }, "warn"],
  ["service no longer runs as root", referenceHost, plainUser, "warn"],
  ["service runs as root from now on", plainUser, referenceHost, "accept"],
  ["not root: all network cards swapped", plainUser, { ...plainUser, macs: otherMacs }, "warn"],
  ["container made anew on the same host, serials visible", container, { ...container, other: { "etc/hostname": "c0ffee\n" } }, "accept"],
  ["container moved to another host", container, { productUuid: "y1", boardSerial: "y2", disks: otherDisks }, "reject"],
  ["guest live-migrated", guest, guest, "accept"],
  ["guest cloned: new UUID and address, same disk image", guest, { ...guest, productUuid: "7d1e9a60-9999-4222-8333-444455556666", macs: ["52:54:00:aa:00:02"] }, "reject"],
  ["disk image copied to like hardware", referenceHost, { ...referenceHost, productUuid: "z1", boardSerial: "z2", macs: otherMacs, disks: otherDisks }, "reject"],
  ["not root: disk image copied to like hardware", plainUser, { ...plainUser, macs: otherMacs, disks: otherDisks }, "reject"],
  ["another host altogether", referenceHost, { machineId: "cc".repeat(16), productUuid: "w1", boardSerial: "w2", macs: otherMacs, disks: otherDisks }, "reject"],
  ["nothing readable any more", referenceHost, {}, "reject"],
];

describe("a license bound at first use", () => {
  for (const [change, before, after, expected] of matrix) {
    test(`${expected}s: ${change}`, () => {
      const verdict = firstUseOn(before, after);
      const outcome = verdict.kind !== "bound" ? "reject" : verdict.changed.length > 0 ? "warn" : "accept";
      expect(outcome).toBe(expected);
    });
  }

  test("remembers the parts of its first host", () => {
    const parts = partsOf(referenceHost);
    expect(checkBinding(firstUse, { parts, clusterId: undefined, boundParts: undefined })).toEqual({ kind: "newly_bound", parts });
  });

  test("is refused where no part can be read, with what would help", () => {
    const verdict = checkBinding(firstUse, { parts: [], clusterId: undefined, boundParts: undefined });
    expect(verdict).toMatchObject({ kind: "not_bound", reason: expect.stringContaining("/etc/machine-id") });
  });

  test("an empty memory binds nothing: it is refused, not taken for any host", () => {
    expect(checkBinding(firstUse, { parts: partsOf(referenceHost), clusterId: undefined, boundParts: [] }).kind).toBe("not_bound");
  });

  test("the refusal names the kinds that differ and no value", () => {
    const verdict = firstUseOn(referenceHost, { ...plainUser, macs: otherMacs, disks: otherDisks });
    expect(verdict.kind === "not_bound" ? verdict.reason : "").toContain("board, mac, disk differ");
    expect(JSON.stringify(verdict)).not.toContain(referenceHost.macs[0]);
    expect(JSON.stringify(verdict)).not.toMatch(/[A-Za-z0-9_-]{43}/);
  });

  test("one kind needs itself, two need both, three two, four two, five three", () => {
    expect([1, 2, 3, 4, 5].map(kindsRequired)).toEqual([1, 2, 2, 2, 3]);
  });
});

describe("a license bound to a host", () => {
  const parts = partsOf(referenceHost);
  const binding = { kind: "host", fingerprints: [...parts], required: 3 } as const;
  const check = (required: number, found: number) =>
    checkBinding({ ...binding, required }, { parts: parts.slice(0, found), clusterId: undefined, boundParts: undefined }).kind;

  test("needs k of the n parts it names", () => {
    expect(parts.length).toBe(7);
    expect([check(3, 7), check(3, 3), check(7, 7), check(1, 1)]).toEqual(["bound", "bound", "bound", "bound"]);
    expect([check(3, 2), check(7, 6), check(1, 0)]).toEqual(["not_bound", "not_bound", "not_bound"]);
  });

  test("is not satisfied by the same machine hashed for another deployment", () => {
    const foreign = partsOf(referenceHost, "plant-8");
    expect(checkBinding(binding, { parts: foreign, clusterId: undefined, boundParts: undefined }).kind).toBe("not_bound");
  });

  test("is not satisfied by what was remembered for first use", () => {
    expect(checkBinding(binding, { parts: [], clusterId: undefined, boundParts: parts }).kind).toBe("not_bound");
  });
});

describe("a license bound to a cluster", () => {
  const binding = { kind: "cluster", ids: ["east", "west"] } as const;
  for (const [clusterId, expected] of [["east", "bound"], ["west", "bound"], ["north", "not_bound"], ["", "not_bound"], ["eas", "not_bound"], [undefined, "not_bound"]] as const) {
    test(`is ${expected} in the cluster ${clusterId ?? "that has no id"}`, () => {
      expect(checkBinding(binding, { parts: partsOf(referenceHost), clusterId, boundParts: undefined }).kind).toBe(expected);
    });
  }
});

test("a license bound to nothing belongs to a host that shows nothing", () => {
  expect(checkBinding({ kind: "any" }, { parts: [], clusterId: undefined, boundParts: undefined })).toEqual({ kind: "bound", changed: [] });
});

describe("the parts of a host", () => {
  test("are hashed: no value in clear, another hash for each deployment, the same one each time", () => {
    const parts = partsOf(referenceHost);
    for (const part of parts) expect(part).toMatch(/^[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9_-]{43}$/);
    expect(partsOf(referenceHost)).toEqual(parts);
    expect(partsOf(referenceHost, "other").some((part) => parts.includes(part))).toBe(false);
    for (const value of [referenceHost.machineId, referenceHost.productUuid, ...referenceHost.macs]) expect(parts.join()).not.toContain(value);
  });

  const ignored: readonly (readonly [string, HostFacts])[] = [
    ["an empty machine-id", { machineId: "" }],
    ["a machine-id that is not initialised", { machineId: "uninitialized" }],
    ["a UUID of zeros", { productUuid: "00000000-0000-0000-0000-000000000000" }],
    ["a UUID of ones", { productUuid: "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF" }],
    ["the UUID that many boards share", { productUuid: "03000200-0400-0500-0006-000700080009" }],
    ["a serial that was never filled in", { boardSerial: "To Be Filled By O.E.M." }],
    ["a default serial", { boardSerial: "Default string" }],
    ["a serial not specified", { boardSerial: "Not Specified" }],
    ["an emulated disk", { disks: { sda: "t10.ATA     QEMU HARDDISK     QM00001" } }],
    ["an emulated NVMe disk", { disks: { nvme0n1: "nvme.8086-64656164-51454d55-qemu nvme ctrl" } }],
    ["a card with an address of zeros", { macs: ["00:00:00:00:00:00"] }],
    ["a container's bridge, which has no device", { other: { "sys/class/net/docker0/address": "02:42:ac:11:00:01\n" } }],
    ["one end of a pair, which has no device", { other: { "sys/class/net/veth1/address": "1e:2b:3c:4d:5e:6f\n" } }],
    ["a container's id", { other: { "proc/self/cgroup": `0::/docker/${"ab".repeat(32)}\n`, "etc/hostname": "abababababab\n" } }],
  ];
  for (const [what, facts] of ignored) {
    test(`do not include ${what}`, () => {
      expect(partsOf(facts)).toEqual([]);
    });
  }

  test("do not include a card whose address is random", () => {
    const folder = folderOf({ macs: ["1e:00:00:00:00:01"] });
    folder.write("sys/class/net/eth0/addr_assign_type", "1\n");
    expect(readHostParts(hostFiles(folder.root), DEPLOYMENT)).toEqual([]);
  });

  test("are the same however the value is cased or padded", () => {
    expect(partsOf({ productUuid: `  ${referenceHost.productUuid.toUpperCase()} ` })).toEqual(partsOf({ productUuid: referenceHost.productUuid }));
  });

  test("include the serial of a board without DMI", () => {
    expect(partsOf({ other: { "sys/firmware/devicetree/base/serial-number": "10000000abcdef01\0" } }).map(partName)).toEqual(["board"]);
  });

  test("of the host this runs on can be read without a throw", () => {
    for (const part of readHostParts(hostFiles("/"), DEPLOYMENT)) expect(part).toMatch(/^[a-z-]+:[A-Za-z0-9_-]{43}$/);
  });
});
