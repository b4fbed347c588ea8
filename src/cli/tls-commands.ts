/** Commands about the certificates that this host shows on its ports. */
import type { CommandRow } from "./command-row.ts";

export const tlsCommands = {
  "tls init": {
    purpose: "Make a certificate authority for this site and a certificate for this host, where there is none",
    settings: ["configFile", "dataDir"],
    options: ["json", "hosts", "folder"],
    notes: [
      "It needs no server. Repeating it keeps the authority and makes a new certificate of the host; a running server that shows the one before takes it within seconds.",
      "A server that shows it renews it by itself in the last 30 days. Whoever has ca.key can pretend to be any host to those who trust the authority: keep a copy of the folder with the backup and nowhere else.",
    ],
  },
  "tls show": {
    purpose: "Say for whom the certificates of this host are, until when, and their fingerprints",
    settings: ["configFile", "dataDir", "tlsCertFile", "tlsKeyFile"],
    options: ["json", "folder", "warnDays"],
    notes: ["It shows the chain of --tls-cert-file, and without that the one that tls init made. With --warn-days it ends in 10 when one of them ends within so many days."],
  },
} as const satisfies Record<string, CommandRow>;
