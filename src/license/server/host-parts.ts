/**
 * The identifying parts of this host, each as `name:hash`.
 *
 *     machine-id   /etc/machine-id                                       carried by a disk image
 *     board        DMI product UUID and board serial, device tree serial the machine itself (DMI: readable by root only)
 *     mac          permanent addresses of network cards with a device    one entry for each card
 *     disk         world-wide names of SCSI and NVMe disks               one entry for each disk
 *
 * The hash is SHA-256 over a domain, the deployment id, the name and the value: the license and the store hold no
 * serial number in clear, and the hashes of one deployment say nothing about another's.
 *
 * Left out on purpose: the container's id and host name (change with each start), the CPU model and the file system's
 * UUID (a clone on like hardware has the same), virtio disk serials (the same text in every guest of some hosts).
 *
 * Rule: reads files below an injected root, decides nothing. This hinders accidents, not fraud: root can fake any of it.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/** Files of a host, read-only. Absent and unreadable look alike: the part is then not there. */
export interface HostFiles {
  readFile(path: string): string | undefined;
  readDirectory(path: string): readonly string[];
}

const FILE_BYTES_MAX = 4_096;
/** Cards or disks that are looked at; a host with more has parts enough. */
const ENTRIES_MAX = 64;

/** System calls fail for many reasons here (no file, no right, no device): each means that the part cannot be read. */
function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

function readStart(path: string): string {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(FILE_BYTES_MAX);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, FILE_BYTES_MAX, 0));
  } finally {
    closeSync(file);
  }
}

/** The files below `root`: `/` for the real host, a folder of fixtures in tests. */
export function hostFiles(root: string): HostFiles {
  return {
    readFile: (path) => unlessUnreadable(() => readStart(join(root, path))),
    readDirectory: (path) => unlessUnreadable(() => readdirSync(join(root, path)).sort()) ?? [],
  };
}

/** What firmware says when nobody filled the field in. */
const placeholder = /^(?:|none|n\/a|default string|not (?:specified|applicable|available)|to be filled by o\.?e\.?m\.?|system serial number|unknown|uninitialized|invalid|[0. :_-]+|(?:f|-)+|0?123456789.*)$/;
/** A UUID that boards of several makers share. */
const sharedUuid = "03000200-0400-0500-0006-000700080009";
/** Emulated disks name themselves alike on every host. */
const emulatedDisk = /qemu|vbox|vmware/;
const diskName = /^(?:naa|eui|nvme|uuid)\./;

function clean(text: string | undefined): string | undefined {
  const value = (text ?? "").replaceAll("\0", "").trim().toLowerCase();
  return placeholder.test(value) || value === sharedUuid ? undefined : value;
}

function boardValues(files: HostFiles): readonly (string | undefined)[] {
  return [
    "sys/class/dmi/id/product_uuid",
    "sys/class/dmi/id/board_serial",
    "sys/firmware/devicetree/base/serial-number",
  ].map((path) => clean(files.readFile(path)));
}

/** A card made of hardware (or given by a hypervisor) has a device; bridges, tunnels and container pairs have none. */
function cardValue(files: HostFiles, name: string): string | undefined {
  const folder = `sys/class/net/${name}`;
  if (files.readDirectory(`${folder}/device`).length === 0) return undefined;
  // 0 is the card's own address; 1 is random and would change at each start, 2 stolen from another card.
  const assigned = files.readFile(`${folder}/addr_assign_type`)?.trim() ?? "0";
  return assigned === "1" || assigned === "2" ? undefined : clean(files.readFile(`${folder}/address`));
}

function diskValue(files: HostFiles, name: string): string | undefined {
  const value = clean(files.readFile(`sys/block/${name}/device/wwid`) ?? files.readFile(`sys/block/${name}/wwid`));
  return value !== undefined && diskName.test(value) && !emulatedDisk.test(value) ? value : undefined;
}

function hashed(deploymentId: string, name: string, value: string): string {
  const hash = createHash("sha256").update(["cyberun-host/1", deploymentId, name, value].join("\0")).digest("base64url");
  return `${name}:${hash}`;
}

/** The parts that can be read, hashed for one deployment; in a steady order, without repetition. */
export function readHostParts(files: HostFiles, deploymentId: string): readonly string[] {
  const listed = (path: string) => files.readDirectory(path).slice(0, ENTRIES_MAX);
  const values: Readonly<Record<string, readonly (string | undefined)[]>> = {
    "machine-id": [clean(files.readFile("etc/machine-id"))],
    board: boardValues(files),
    mac: listed("sys/class/net").map((name) => cardValue(files, name)),
    disk: listed("sys/block").map((name) => diskValue(files, name)),
  };
  const parts = Object.entries(values).flatMap(([name, found]) =>
    found.flatMap((value) => (value === undefined ? [] : [hashed(deploymentId, name, value)])),
  );
  return [...new Set(parts)];
}

/** The name before the colon. */
export function partName(part: string): string {
  return part.slice(0, part.indexOf(":"));
}
