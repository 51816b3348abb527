import type { JSX } from "preact";
import "./Field.css";

type Props = JSX.IntrinsicElements["input"] & { label: string };

/** A labelled line to type in. */
export function Field({ label, ...input }: Props) {
  return (
    <label class="text-field">
      {label}
      <input {...input} />
    </label>
  );
}
