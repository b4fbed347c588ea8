/** A secret that is shown once, with a button that copies it where browsers let a page do so: not over plain HTTP. */
import { useState } from "react";
import { say } from "../words.ts";
import { Notice } from "./pieces.tsx";

export function Secret({ text, secret, done }: { readonly text: string; readonly secret: string; readonly done: () => void }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <Notice tone="good">
      <p>{text}</p>
      <pre tabIndex={0}>
        <code id="secret">{secret}</code>
      </pre>
      <div className="row">
        {window.isSecureContext ? (
          <button type="button" onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true), () => {})}>
            {say(isCopied ? "copied" : "copy")}
          </button>
        ) : null}
        <button type="button" className="quiet" onClick={done}>
          {say("done")}
        </button>
      </div>
    </Notice>
  );
}
