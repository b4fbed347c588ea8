/** Form fields with their labels, and what is wrong with what was sent. */
import { type FormEvent, type ReactNode, useId } from "react";
import { sentencesOf } from "../deployment.ts";
import { Notice } from "./pieces.tsx";

export interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly type?: string;
  readonly value?: string;
  readonly required?: boolean;
  readonly note?: string | undefined;
  readonly options?: readonly (readonly [value: string, label: string])[];
}

export function Field({ name, label, type = "text", value, required = true, note, options }: FieldProps) {
  const id = useId();
  const described = note === undefined ? {} : { "aria-describedby": `${id}-note` };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {options === undefined ? (
        <input id={id} name={name} type={type} defaultValue={value} required={required} autoComplete="off" {...described} />
      ) : (
        <select id={id} name={name} defaultValue={value} {...described}>
          {options.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
      {note === undefined ? null : (
        <p className="note" id={`${id}-note`}>
          {note}
        </p>
      )}
    </div>
  );
}

export interface FormProps {
  readonly label: string;
  readonly submit: string;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly children: ReactNode;
  readonly send: (fields: FormData) => void;
}

export function Form({ label, submit, isBusy, error, children, send }: FormProps) {
  const said = sentencesOf(error);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send(new FormData(event.currentTarget));
  };
  return (
    <form onSubmit={onSubmit} aria-label={label}>
      {said.length === 0 ? null : <Notice tone="bad">{said.join(" ")}</Notice>}
      {children}
      <button type="submit" disabled={isBusy}>
        {submit}
      </button>
    </form>
  );
}

export function textIn(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}
