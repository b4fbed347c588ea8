/** A button whose deed is asked about first, in the browser's own dialog element: it holds the focus and closes by Escape. */
import { useRef } from "react";
import { sentencesOf } from "../deployment.ts";
import { say } from "../words.ts";
import { Notice } from "./pieces.tsx";

export interface ConfirmProps {
  readonly label: string;
  /** What comes of it. */
  readonly text: string;
  readonly error?: unknown;
  readonly act: () => Promise<unknown>;
}

export function Confirm({ label, text, error, act }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  const said = sentencesOf(error);
  return (
    <>
      <button type="button" className="quiet" onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <dialog ref={dialog} aria-label={label}>
        <h2>{say("sure")}</h2>
        <p>{text}</p>
        {said.length === 0 ? null : <Notice tone="bad">{said.join(" ")}</Notice>}
        <div className="row">
          <button type="button" onClick={() => void act().then(close, () => {})}>
            {say("yes")}
          </button>
          <button type="button" className="quiet" onClick={close}>
            {say("no")}
          </button>
        </div>
      </dialog>
    </>
  );
}
