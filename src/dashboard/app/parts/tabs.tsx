/** A choice of one among a few, which narrows the list below it. */
export interface TabsProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [value: Value, label: string])[];
  readonly choose: (value: Value) => void;
}

export function Tabs<Value extends string>({ label, value, options, choose }: TabsProps<Value>) {
  return (
    <div className="tabs" role="group" aria-label={label}>
      {options.map(([each, text]) => (
        <button key={each} type="button" className="quiet" aria-pressed={each === value} onClick={() => choose(each)}>
          {text}
        </button>
      ))}
    </div>
  );
}
