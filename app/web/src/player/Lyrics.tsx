import { useEffect, useRef } from "preact/hooks";
import { get } from "../api/client";
import type { Track } from "../api/models";
import { useAnswer } from "../components/use_answer";
import { t } from "../messages";
import { lineAt } from "./lyrics_line";
import { position } from "./player";
import "./Lyrics.css";

/** The lyrics of a track. Lines with times follow the music; without lyrics there is nothing. */
export function Lyrics({ track }: { track: Track }) {
  const path = { track_id: track.id };
  const { answer } = useAnswer((signal) => get("/api/tracks/{track_id}/lyrics", { path, signal }), [track.id]);
  const box = useRef<HTMLOListElement>(null);
  const lines = answer?.lines ?? [];
  const sung = answer?.is_timed ? lineAt(lines, position.value) : -1;
  useEffect(() => {
    const line = box.current?.children[Math.max(sung, 0)];
    if (!box.current || !(line instanceof HTMLElement)) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = line.offsetTop - (box.current.clientHeight - line.clientHeight) / 2;
    box.current.scrollTo({ top, behavior: isStill ? "instant" : "smooth" });
  }, [sung, answer]);
  if (!lines.length) return null;
  return (
    <section class="lyrics">
      <h2>{t("queue.lyrics")}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <ol ref={box} tabIndex={0} aria-label={t("queue.lyrics")} class={answer?.is_timed ? "timed" : ""}>
        {lines.map((line, index) => (
          <li key={index} aria-current={index === sung ? "true" : undefined}>
            {line.text || "\u00a0"}
          </li>
        ))}
      </ol>
    </section>
  );
}
