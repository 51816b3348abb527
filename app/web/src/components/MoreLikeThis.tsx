import { useEffect, useRef } from "preact/hooks";
import { get } from "../api/client";
import { address } from "../base_path";
import { pathOf, withTrack } from "../blend/blend";
import { gathered } from "../blend/gathered";
import { t } from "../messages";
import { Icon } from "./Icon";
import { Answered } from "./Notice";
import { TrackList } from "./TrackList";
import { useAnswer } from "./use_answer";
import "./MoreLikeThis.css";

interface Props {
  id: number;
  title: string;
  limit?: number;
  /** Whether it comes into view and has the focus once it is there: it may be far below the button that was pressed. */
  takesFocus?: boolean;
}

/** The tracks that sound most like a track, the most similar first. */
export function MoreLikeThis({ id, title, limit = 12, takesFocus = false }: Props) {
  const asked = useAnswer(
    (signal) => get("/api/tracks/{track_id}/similar", { path: { track_id: id }, query: { limit }, signal }),
    [id, limit],
  );
  const heading = useRef<HTMLHeadingElement>(null);
  const isThere = asked.answer !== undefined || asked.error !== undefined;
  // At once, so that it is seen to load, and again when there is more to see; unless somebody has gone elsewhere.
  useEffect(() => {
    if (takesFocus) lookAt(heading.current);
  }, [takesFocus]);
  useEffect(() => {
    if (takesFocus && isThere && document.activeElement === heading.current) lookAt(heading.current);
  }, [takesFocus, isThere]);
  const name = t("similar.title", { title });
  return (
    <section class="more-like-this">
      <header>
        <h2 ref={heading} tabIndex={takesFocus ? -1 : undefined}>
          {name}
        </h2>
        <a class="button" href={address(pathOf(withTrack(gathered.value, "more", id)))}>
          <Icon name="blend" size={20} />
          {t("blend.make")}
        </a>
      </header>
      <Answered asked={asked}>
        {({ items }) =>
          items.length ? (
            <TrackList tracks={items} label={name} lead="cover" />
          ) : (
            <p class="muted">{t("similar.none")}</p>
          )
        }
      </Answered>
    </section>
  );
}

function lookAt(heading: HTMLElement | null) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView({ behavior: isStill ? "instant" : "smooth", block: "start" });
}
