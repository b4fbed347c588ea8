/** `docs/configuration.md`, printed from the table of settings and the table of commands. Pure. */
import { commandNames, commandOf } from "../src/cli/commands.ts";
import { defaultShown, type SettingName, settingNames, settingOf } from "../src/config/table.ts";
import { code, page, table } from "./markdown.ts";

const introduction = `# Configuration

Everything that can be set. The page is generated (\`bun run docs\`); change \`src/config/table.ts\`.

A setting is taken from the first of these places that has it: its **flag**, its **variable**, the **config file**, its
**default**. An empty variable counts as not set. Nothing else is looked at: no \`.env\`, no file in the directory that the
executable is started in.

All mistakes are told together, before anything is opened, and then nothing has happened (exit code 2). A wrong value
is a mistake also where another place wins. A flag, a \`CYBERUN_\` variable or a key that does not exist is a mistake, and the
nearest name is suggested. Two kinds of variables are let through: \`CYBERUN_API_KEY\` and \`CYBERUN_KEY\`, which clients of the
platform use for themselves, and those by which an orchestrator describes its services (\`CYBERUN_SERVICE_HOST\` and the
like), each with a line in the log.`;

const presetChapter = `## Lifetimes and presets

Every lifetime is a setting whose name ends in \`_seconds\`. \`--preset\` chooses the defaults of all of them, and what is set
besides wins: \`onprem\`, the default, is for a site of one's own, perhaps without a network and with clocks that nobody sets;
\`saas\` is for a service to many people whom nobody knows, where what is lost or stolen is worthless sooner. Where the two
differ the column *default* has both. \`cyberun serve\` logs the values in force at its start (\`config.lifetimes\`). A change
holds for what is made from then on: what was handed out keeps the end it was given.`;

const fileChapter = `## The config file

\`--config FILE\` names it; without that no file is read. It is TOML, one key for each setting, and may hold comments. A key
that stands twice is refused. Paths in it count from the file's own folder, elsewhere from the working directory.

\`\`\`toml
# /etc/cyberun.toml
data_dir = "/srv/cyberun"
bind = "0.0.0.0"
tls_cert_file = "tls/chain.pem"   # /etc/tls/chain.pem
tls_key_file = "tls/key.pem"
public_url = "https://cyberun.example.com"
license_server_addresses = ["https://license-1.example.com:9400", "https://license-2.example.com:9400"]
\`\`\``;

const providersChapter = `## Upstream providers in the config file

Each provider by which people sign in ([what it is](upstream-providers.md)) is a table of its own; no flag and no variable can hold
one. Its members are those of the API, and the client secret is the first line of a file. All processes that run \`api\` or
\`issuer\` need the same tables; a change acts at the next start.

\`\`\`toml
[upstream_providers.google]
preset = "google"
client_id = "1234.apps.googleusercontent.com"
client_secret_file = "google.secret"
allowed_domains = ["example.com"]

[upstream_providers.corp]
display_name = "Example Corp"
issuer = "https://login.example.com"
client_id = "cyberun"
client_secret_file = "corp.secret"
provisioning = "trusted"
\`\`\``;

const secretsChapter = `## Secrets

A secret is never taken from the command line, where every process of the host sees it. Keys and tokens are named by file.
\`CYBERUN_API_KEY\`, the key that \`whoami\` and \`devices\` use in place of a profile's, is taken from the variable alone.
The password in \`database_url\` may stand in the variable or in the config file (mode 0600), and is dots wherever the
configuration is shown.

## The environment of the runtime

The executable refuses to start (exit code 2) while \`NODE_TLS_REJECT_UNAUTHORIZED\`, \`BUN_CONFIG_VERBOSE_FETCH\` or any
\`BUN_JSC_\` variable is set, because they weaken or change it. \`HTTP_PROXY\`, \`HTTPS_PROXY\` and \`ALL_PROXY\` are not used.`;

function takenBy(name: SettingName): string {
  return commandNames
    .filter((command) => commandOf(command).settings.includes(name))
    .map(code)
    .join(", ");
}

function settingRow(name: SettingName): readonly string[] {
  const row = settingOf(name);
  const { roles = [] } = row;
  return [
    code(`${row.flag} ${row.kind.placeholder}`),
    code(row.variable),
    name === "configFile" ? "–" : code(row.name),
    defaultShown(row),
    `${row.help}.${roles.length === 0 ? "" : ` For: ${roles.join(", ")}.`}`,
  ];
}

export function configurationMarkdown(): string {
  const settings = table(["flag", "variable", "key in the file", "default", "what it is"], settingNames.map(settingRow));
  const commands = table(["setting", "commands that take it"], settingNames.map((name) => [code(settingOf(name).name), takenBy(name)]));
  return page(introduction, "## Settings", settings, presetChapter, fileChapter, providersChapter, secretsChapter, "## Who takes what", commands);
}
