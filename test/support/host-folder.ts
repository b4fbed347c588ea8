/**
 * A host as a folder of files, for everything that reads the identifying parts of one.
 *
 *     const host = hostFolder({ machineId: "…", macs: ["52:54:00:00:00:01"] });
 *     readHostParts(hostFiles(host.root), "deployment");
 *     host.remove();
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface HostFacts {
  readonly machineId?: string | undefined;
  readonly productUuid?: string | undefined;
  readonly boardSerial?: string | undefined;
  /** Addresses of cards with a device, in order. */
  readonly macs?: readonly string[];
  /** Names of disks that `sys/block` shows, with their world-wide names. */
  readonly disks?: Readonly<Record<string, string>>;
  /** Any other file, path → content: what must make no difference. */
  readonly other?: Readonly<Record<string, string>>;
}

/** The reference host of the published matrix: everything readable, as root sees it. */
export const referenceHost = {
  machineId: "0f3b1c5d7e9a4b2c8d6e1f0a9b8c7d6e",
  productUuid: "4c4c4544-0051-3110-8052-b6c04f4a4d32",
  boardSerial: "/7Q1R2M3/CNFCP0098F00AB/",
  macs: ["d0:94:66:2a:10:01", "d0:94:66:2a:10:02"],
  disks: { sda: "naa.5002538e40b1c2d3", nvme0n1: "eui.0025385b21404f5a" },
  other: { "etc/hostname": "plant-7\n", "proc/version": "Linux version 6.1.0-18\n", "proc/meminfo": "MemTotal: 16 GB\n" },
} as const satisfies HostFacts;

export interface HostFolder {
  readonly root: string;
  /** Adds or replaces a file; folders are made. */
  write(path: string, content: string): void;
  remove(): void;
}

export function hostFolder(facts: HostFacts): HostFolder {
  const root = mkdtempSync(join(tmpdir(), "cyberun-host-"));
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const optional = (path: string, content: string | undefined) => (content === undefined ? undefined : write(path, `${content}\n`));
  optional("etc/machine-id", facts.machineId);
  optional("sys/class/dmi/id/product_uuid", facts.productUuid);
  optional("sys/class/dmi/id/board_serial", facts.boardSerial);
  for (const [index, mac] of (facts.macs ?? []).entries()) {
    write(`sys/class/net/eth${index}/address`, `${mac}\n`);
    write(`sys/class/net/eth${index}/addr_assign_type`, "0\n");
    write(`sys/class/net/eth${index}/device/vendor`, "0x8086\n");
  }
  for (const [name, wwid] of Object.entries(facts.disks ?? {})) write(`sys/block/${name}/device/wwid`, `${wwid}\n`);
  for (const [path, content] of Object.entries(facts.other ?? {})) write(path, content);
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true }) };
}
