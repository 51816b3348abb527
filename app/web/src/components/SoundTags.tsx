import { get } from "../api/client";
import { address } from "../base_path";
import { t } from "../messages";
import { tagName } from "../sound_tags";
import { useAnswer } from "./use_answer";
import "./SoundTags.css";

const MAX_SHOWN_TAGS = 6;

/** What is guessed of a track by its sound, and said to be a guess. Without anything there is nothing to see. */
export function SoundTags({ id }: { id: number }) {
  const { answer } = useAnswer((signal) => get("/api/tracks/{track_id}", { path: { track_id: id }, signal }), [id]);
  if (!answer?.sound_tags.length) return null;
  return (
    <div class="sound-tags muted">
      {answer.guessed_genre && <p>{t("soundTags.perhaps", { genre: tagName(answer.guessed_genre) })}</p>}
      <p id={`sound-tags-${id}`}>{t("soundTags.like")}</p>
      <ul aria-labelledby={`sound-tags-${id}`}>
        {answer.sound_tags.slice(0, MAX_SHOWN_TAGS).map(({ name, share }) => (
          <li key={name}>
            <a
              href={address(`/albums?tag=${encodeURIComponent(name)}`)}
              title={t("soundTags.place", { percent: Math.max(1, Math.round(100 * share)) })}
            >
              {tagName(name)}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
