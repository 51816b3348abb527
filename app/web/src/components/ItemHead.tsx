import type { ComponentChildren } from "preact";
import { Cover } from "./Cover";
import "./ItemHead.css";

interface Props {
  kind: "album" | "artist";
  id: number;
  hasPicture: boolean;
  title: string;
  /** What is said of it, and what can be done with it. */
  children: ComponentChildren;
}

/** The head of the view of an album or an artist: its picture, and beside it its name and more. */
export function ItemHead({ kind, id, hasPicture, title, children }: Props) {
  return (
    <header class={`item-head ${kind}-head`}>
      <Cover kind={kind} id={id} hasPicture={hasPicture} title={title} size={640} />
      <div>
        <h1>{title}</h1>
        {children}
      </div>
    </header>
  );
}
