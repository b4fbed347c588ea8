/** Commands about this executable itself, and about whether all that it needs is there. */
import { serverSettingNames } from "../config/table.ts";
import { type CommandRow, host } from "./command-row.ts";

export const selfCommands = {
  doctor: {
    purpose: "Look whether everything that this deployment needs is there, and say what to do where it is not",
    settings: serverSettingNames,
    options: ["json"],
    notes: [
      "It looks at the settings, the data directory and its disk, the clock, the license, the ports, the addresses under which people and agents reach the roles, and the agents. Run it on the deployment's host with the settings of the server, before the first start or beside a running one. Nothing is changed.",
      "It ends in 0, also with warnings, and in 8 when it found a problem.",
    ],
  },
  "verify-self": {
    purpose: "Compare this executable with the sums its vendor published",
    settings: [],
    options: ["json", "sums"],
    notes: [
      "It shows damage and clumsy changes. Whoever can replace the executable can make it say anything, so compare the sum with another computer's tools too.",
    ],
  },
  "release verify": {
    purpose: "Check that a release is whole and its vendor's; needs no server and no network",
    operands: ["BUNDLE"],
    settings: [],
    options: ["json"],
    notes: [
      "BUNDLE is the one .tar file of a release, or the folder that it was unpacked to. The signatures are checked against the root keys in this executable, then every file against the signed manifest.",
      "A refusal ends in 6 (2 when it is no release at all) and names its kind in details.refusal; see releases.md.",
    ],
  },
  upgrade: {
    purpose: "Put a newer release in use, tried on a copy first, and taken back if it does not serve",
    settings: [...host, "licenseFile", "backupDir", "backupPassphraseFile"],
    options: ["json", "from"],
    words: { from: { placeholder: "BUNDLE", help: "The .tar.gz file of the release, or its unpacked folder", shownDefault: "none; required" } },
    notes: [
      "Run it as the user that installed the release, such as root. A server that systemd keeps as cyberun.service goes on until the switch and is started again; any other one has to be stopped first. It needs the settings of that server: its config file or variables.",
      "Before the switch nothing is changed. If the new release does not serve after it, the one before is put back with all data, and the command ends in 3.",
    ],
  },
  rollback: {
    purpose: "Put the release before back in use",
    settings: host,
    options: ["json"],
    notes: ["It keeps the data as they are. When the newer release has changed their schema, it is refused and says what to do."],
  },
  version: {
    purpose: "Print version and build time",
    settings: [],
    options: ["json"],
  },
  help: {
    purpose: "Explain a command",
    operands: ["COMMAND"],
    hasFreeOperands: true,
    settings: [],
    options: ["json"],
  },
  schema: {
    purpose: "Print the JSON Schema of what a command prints with --json, and of how it says a failure",
    operands: ["COMMAND"],
    hasFreeOperands: true,
    settings: [],
    options: ["json"],
  },
  completion: {
    purpose: "Print what completes commands and flags in a shell",
    operands: ["bash|zsh|fish"],
    settings: [],
    options: ["json"],
    notes: [
      "bash: cyberun completion bash > /etc/bash_completion.d/cyberun",
      "zsh: cyberun completion zsh > /usr/local/share/zsh/site-functions/_cyberun",
      "fish: cyberun completion fish > ~/.config/fish/completions/cyberun.fish",
    ],
  },
  man: {
    purpose: "Print the manual page",
    settings: [],
    options: ["json"],
    notes: ["cyberun man > /usr/local/share/man/man1/cyberun.1"],
  },
} as const satisfies Record<string, CommandRow>;
