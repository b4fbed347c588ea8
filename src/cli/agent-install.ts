/** `cyberun agent install`: a systemd unit for the agent of this host, with as few rights as it can do with. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readAgentSettings } from "../agent/settings.ts";
import { writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import type { Context, Result } from "./context.ts";

const FORBIDDEN = /[\s"'\\%$]/;

/** systemd gives a meaning to some characters, so a path with one of them is refused rather than escaped. */
function plainPath(path: string): string {
  if (!FORBIDDEN.test(path)) return path;
  throw new Fault("invalid_request", `The path ${JSON.stringify(path)} has a space, a quote, a backslash, % or $ in it.`, { hint: "Put the file where its path has none." });
}

function unitOf(file: string, dataDir: string): string {
  return `[Unit]
Description=Cyberun agent
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${plainPath(process.execPath)} agent run ${plainPath(file)}
User=cyberun-agent
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
KillMode=mixed
WorkingDirectory=${plainPath(dirname(file))}
ReadWritePaths=${plainPath(dataDir)}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
CapabilityBoundingSet=
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

export async function agentInstall({ operands, options }: Context): Promise<Result> {
  const file = resolve(operands[0] ?? "");
  const { dataDir } = readAgentSettings(file);
  const unit = unitOf(file, dataDir);
  const out = options.get("out");
  if (out === undefined) return { data: { unit }, text: unit.trimEnd() };
  const path = resolve(out);
  if (existsSync(path)) throw new Fault("conflict", `There is a file ${path} already.`, { hint: "Remove it, or name another one." });
  writeFileDurably(path, unit);
  const next = ["useradd --system cyberun-agent", `install -d -o cyberun-agent -m 700 ${dataDir}`, "systemctl daemon-reload", "systemctl enable --now the unit"];
  return { data: { unit_file: path, next_steps: next }, text: [`The unit is in ${path}. Then:`, ...next.map((line) => `  ${line}`)].join("\n") };
}
