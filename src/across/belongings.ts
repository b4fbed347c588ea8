/**
 * What crosses the domains: how a team ends, how a member leaves, how much of each quota is used.
 *
 * Rule: stands to the right of all domains and knows them by the values they offer; nothing but roles calls it. A new
 * domain adds its value to the list here, from the right to the left, because what is on the right refers to the left.
 */
import { agentBelongings } from "../agents/belongings.ts";
import { containerBelongings } from "../containers/belongings.ts";
import { credentialBelongings } from "../credentials/belongings.ts";
import { fileBelongings } from "../files/belongings.ts";
import { type Belongings, teamBelongings } from "../teams/belongings.ts";
import { taskBelongings } from "../tasks/belongings.ts";
import { webhookBelongings } from "../webhooks/belongings.ts";
import { tunnelBelongings } from "../tunnels/belongings.ts";
import { workflowBelongings } from "../workflows/belongings.ts";

export const belongings: readonly Belongings[] = [
  fileBelongings,
  webhookBelongings,
  taskBelongings,
  workflowBelongings,
  containerBelongings,
  tunnelBelongings,
  agentBelongings,
  credentialBelongings,
  teamBelongings,
];
