import type { ComponentChildren } from "preact";
import "./Panel.css";

/** A part of a view under a heading of its own, on a ground that sets it off. */
export function Panel(props: { title: string; isWide?: boolean; children: ComponentChildren }) {
  return (
    <section class={props.isWide ? "panel wide" : "panel"}>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}
