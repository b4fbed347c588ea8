/** `/r/files` and the links to bytes: the bytes themselves go past JSON, in either direction. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { FILE_BYTES_MAX } from "../../files/file-rows.ts";
import { openDownload, presignDownload, presignUpload, receiveUpload } from "../../files/files.ts";
import type { Shelf } from "../../files/shelf.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";

const isService = (path: string) => /^\/api\/v1\/r\/containers\/[^/]+\//.test(path);
/** The doors whose bodies are files, or are a service's to take. */
export const uploads = { isUpload: (method: string, path: string) => isService(path) || (method === "PUT" && /^\/api\/v1\/files\/[^/]+\/content$/.test(path)), bytesMax: FILE_BYTES_MAX, takesChunked: isService } as const;

const Link = { params: t.Object({ file_id: t.String() }), query: t.Object({ expires: t.String({ maxLength: 20 }), signature: t.String({ maxLength: 100 }) }) };

/** The body of a request that has none: a file may be empty. */
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The name as a header takes it (RFC 6266, RFC 8187): always an attachment, so that no browser runs what somebody sent. */
function dispositionOf(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\]/g, "_");
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}

export function addFileDoors(app: App, gate: Gate, shelf: Shelf): void {
  app.post("/api/v1/r/files/presign", async ({ caller, body }) => await presignUpload(gate, caller, body), {
    ...door("file.presign"),
    body: t.Object({ file_name: t.String(), file_size: t.Number(), content_type: t.String() }),
  });
  app.post("/api/v1/r/files/presign-download", async ({ caller, body }) => await presignDownload(gate, caller, body), {
    ...door("file.presign_download"),
    body: t.Object({ file_key: t.String({ maxLength: 600 }) }),
  });
  app.put(
    "/api/v1/files/:file_id/content",
    async ({ caller, params, query, request, set, server }) => {
      // A slow line is no idle one.
      server?.timeout(request, 0);
      const { headers } = request;
      const told = { contentLength: headers.get("content-length"), contentType: headers.get("content-type"), ifNoneMatch: headers.get("if-none-match") };
      await receiveUpload(gate, caller, { link: { ...params, ...query }, headers: told, body: request.body ?? nothing(), shelf });
      set.status = 204;
    },
    { ...door("file.receive", "none"), ...Link },
  );
  app.get(
    "/api/v1/files/:file_id/content",
    async ({ caller, params, query }) => {
      const { id, fileName, contentType, size, sha256 } = await openDownload(gate, caller, { ...params, ...query });
      return new Response(await shelf.body({ id, sha256 }), {
        headers: {
          ...plainHeaders,
          "content-type": contentType,
          "content-length": String(size),
          "content-disposition": dispositionOf(fileName),
          "content-security-policy": "sandbox; default-src 'none'",
          "repr-digest": `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:`,
        },
      });
    },
    { ...door("file.open", "none"), ...Link },
  );
}
