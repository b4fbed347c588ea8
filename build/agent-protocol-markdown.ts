/** `docs/agent-protocol.md`: the protocol in words, its close codes and the JSON Schema of every frame, from the source. */
import { HeadSchema, OpenSchema, PIECE_BYTES_MAX, PIECE_COST, ResetSchema, STREAMS_MAX, WINDOW_BYTES } from "../src/agents/channel-frames.ts";
import { AgentFrameSchema, GatewayFrameSchema, PROTOCOL } from "../src/agents/frames.ts";
import { UNACKNOWLEDGED_MAX } from "../src/agents/wire.ts";
import { FRAME_BYTES_MAX } from "../src/http/limits.ts";
import { closeCodes } from "../src/roles/gateway/close-codes.ts";
import { FRAMES_PER_SECOND_MAX, HELLO_MS } from "../src/roles/gateway/connections.ts";
import { CHALLENGE_MS, PING_SECONDS, RESUME_MS, SILENCE_MS_MAX } from "../src/roles/gateway/sessions.ts";
import { LEASE_MS } from "../src/tasks/attempts.ts";
import { OFFER_MS } from "../src/tasks/claim.ts";

const meanings: Readonly<Record<keyof typeof closeCodes, string>> = {
  stopping: "the gateway stops; come back",
  protocol: "frames are not of the protocol, leave a gap, or are too many",
  credential: "the key is no longer good",
  silent: "nothing was heard for too long, or no hello came",
  duplicate: "another agent of the same name is connected and answers",
  replaced: "a newer connection of the same agent took this one's place",
  unread: "what was sent was not read; resume",
  quota: "a cap of the license is reached",
  failed: "the gateway could not go on; say hello anew",
  license: "the license does not allow agents now; the reason is its state",
  unheard: "whether the key is good cannot be found out",
};

const words = `# Agent protocol, version ${PROTOCOL}

For who writes an agent. This page is made by \`bun run docs\` from the source that checks the frames.

One WebSocket at \`/v1/connect\` of the gateway, dialled by the agent with \`Authorization: Bearer ak-…\`; JSON in text frames of at most
${FRAME_BYTES_MAX} bytes towards the gateway.

    agent                                    gateway
    hello {holds, resume}              →
                                       ←     welcome {session_id, keep, stop, resumed}
                                       ←     offer {task_id, attempt, …}
    accept | decline                   →
    progress, log {offset}, result     →
                                       ←     logged {offset}, taken, stop
    ping                               ⇄     ping, each answered by pong

## Rules

1. \`hello\` is the first frame, within ${HELLO_MS / 1_000} seconds. What the gateway cannot take is answered by \`error\`, and a frame that is not
   of the protocol changes nothing; more than ${FRAMES_PER_SECOND_MAX} frames in a second end the connection.
2. Every frame but \`hello\`, \`welcome\`, \`ping\`, \`pong\` and \`error\` carries \`seq\`, 1, 2, 3 … on each side, and \`ack\`, the last \`seq\`
   that was received. Keep what was not acknowledged, up to ${UNACKNOWLEDGED_MAX} frames. A \`seq\` that was seen already is dropped; a gap ends the session.
3. After a cut say \`hello\` with \`resume {session_id, ack}\`, within ${RESUME_MS / 1_000} seconds. \`welcome.resumed\` true: both sides send again what comes after
   the other's \`ack\`. False: a new session, both count from 1, and what was said and not acknowledged is lost; \`keep\` lists the attempts that
   go on, each with the byte where its log goes on, \`stop\` those to be ended and forgotten. An agent that was started anew names its last
   session as \`replaces\`.
4. Answer an \`offer\` within ${OFFER_MS / 1_000} seconds, or it goes elsewhere. Keep the attempt on disk before you accept.
5. Every word about an attempt names \`task_id\` and \`attempt\`. A word about an attempt that is not yours any more is answered by \`stop\` and
   changes nothing: end it and forget it.
6. \`log.offset\` counts the UTF-8 bytes before the piece. \`logged.offset\` says up to where it is on disk; go on from there.
7. \`result\` may be said until \`taken\` or \`stop\` comes. It counts once.
8. Both sides ping every ${PING_SECONDS} seconds; a side that was not heard of for ${SILENCE_MS_MAX / 1_000} seconds is cut by the gateway. Whatever is heard renews the leases of
   ${LEASE_MS / 1_000} seconds on what the agent runs; when they end, the attempt goes elsewhere.
9. In a team one agent of a name is connected. A second one is let in when the first does not answer a ping within ${CHALLENGE_MS / 1_000} seconds.
10. After \`reconnect\` the connection ends; come back after \`after_ms\`, spread over as long again. Leases begin anew when the gateway starts.

## Files

While an attempt runs, its agent asks the gateway for links, by HTTP with the same key. The bytes go by the link, which needs no key
and is good for a while; ask again for a fresh one. A parameter that is a file has a \`file_key\` as its value.

| request | body | answer |
|---|---|---|
| \`POST /v1/tasks/{task_id}/attempts/{attempt}/inputs\` | \`session_id\`, \`file_key\` | 200 \`file_name\`, \`file_size\`, \`content_type\`, \`sha256\`, \`download_url\`, \`expires_at\` |
| \`POST /v1/tasks/{task_id}/attempts/{attempt}/outputs\` | \`session_id\`, \`output_id\`, \`file_name\`, \`file_size\`, \`content_type\` | 200 \`file_key\`, \`upload_url\`, \`upload_headers\`, \`is_stored\`, … |

\`PUT\` the bytes to \`upload_url\` with all \`upload_headers\`; 204 says that they are stored. Announcing an output again, with the same
\`output_id\`, gives a fresh link, and \`is_stored\` true when nothing is left to send: so a kill at any moment costs a repetition at most.
404: the key is no file of this run. 409: the attempt does not run in this session, or not yet; it runs once \`accept\` was taken. Send outputs
before the \`result\`: what comes later is not taken.

## Data channel

For agents that let somebody in to their own host: ports for [tunnels](tunnels.md), and [services](containers.md). An agent that names no \`tunnel_ports\` and no \`services\` in its
\`hello\` hears none of this.

- \`tunnels\` lists all that are open, whenever that changes. While there is one, say \`status\` with \`tunnel\`, and \`idle\` after.
- \`services\` lists all that the agent shall run or may be asked to call. Run what is new in it, or has another \`generation\`, stop what is not in it, and say
  \`service\` of each whenever its state changes, and once when the list comes. Refuse what your own settings do not allow with the state \`failed\`.
- \`open_channel\`: dial \`GET /v1/channel\` as a second WebSocket, with the key and the header \`Cyberun-Session\`, the session's id. Close an
  earlier one. The channel may end at any time; the gateway asks again when it needs one.
- On it binary messages are frames: one byte of kind, four of stream (big-endian), the rest. Kinds: 1 open, 2 head, 3 data, 4 credit, 5 end,
  6 reset. Open, head and reset carry JSON of the schemas below; data one byte of flags (1: text, 2: the message goes on) and at most
  ${PIECE_BYTES_MAX} bytes; credit four bytes, big-endian.
- The gateway opens streams, counting from 1, ${STREAMS_MAX} at a time. Connect to what is asked for if your own settings allow it, and answer with head,
  then data, then end; or with reset. \`http\`: data and end of the request are its body. \`websocket\`: each message is one or more data frames.
  \`tcp\`: bytes; an end closes one direction.
- Each side may send ${WINDOW_BYTES} bytes on a stream, each data frame counting ${PIECE_COST} more, and as many again as the other side gives back by credit. More
  than that breaks the channel. Credit is given when a reader has read: what nobody reads is not sent.
`;

export function agentProtocolMarkdown(): string {
  const codes = Object.entries(closeCodes).map(([name, code]) => `| ${code} | ${Object.entries(meanings).find(([each]) => each === name)?.[1] ?? ""} |`);
  const schema = (title: string, value: object) => [`## ${title}`, "", "```json", JSON.stringify(value, null, 1), "```"].join("\n");
  const channel = [schema("Data channel: open (JSON Schema)", OpenSchema), schema("Data channel: head (JSON Schema)", HeadSchema), schema("Data channel: reset (JSON Schema)", ResetSchema)];
  return `${[`${words}\n## Close codes\n\n| code | meaning |\n|---|---|\n${codes.join("\n")}`, schema("Frames of an agent (JSON Schema)", AgentFrameSchema), schema("Frames of the gateway (JSON Schema)", GatewayFrameSchema), ...channel].join("\n\n")}\n`;
}
