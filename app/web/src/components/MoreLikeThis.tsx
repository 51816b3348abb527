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
      <header>
        <h2>{name}</h2>
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
