import { get } from "../api/client";
import { t } from "../messages";
import { Answered } from "./Notice";
import { TrackList } from "./TrackList";
import { useAnswer } from "./use_answer";

interface Props {
  id: number;
  title: string;
  limit?: number;
}

/** The tracks that sound most like a track, the most similar first. */
export function MoreLikeThis({ id, title, limit = 12 }: Props) {
  const asked = useAnswer(
    (signal) => get("/api/tracks/{track_id}/similar", { path: { track_id: id }, query: { limit }, signal }),
    [id, limit],
  );
  const name = t("similar.title", { title });
  return (
    <section class="more-like-this">
      <h2>{name}</h2>
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
