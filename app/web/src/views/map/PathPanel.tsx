import { useEffect, useId, useState } from "preact/hooks";
import { get } from "../../api/client";
import type { Track } from "../../api/models";
import { Icon } from "../../components/Icon";
import { Answered } from "../../components/Notice";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { play } from "../../player/player";

interface Props {
  ends: Ends;
  onEnd: (end: keyof Ends, track: Track | undefined) => void;
  /** Called with the ids of the path whenever it is another one. */
  onPath: (ids: readonly number[]) => void;
}

export interface Ends {
  from?: Track | undefined;
  to?: Track | undefined;
}

const MIN_LENGTH = 4;
const MAX_LENGTH = 40;
const FIRST_LENGTH = 12;
const FOUND_TRACKS = 6;
const TYPING_MS = 200;

/** A path from one track to another by their sound: the steps, and a button that plays them. */
export function PathPanel({ ends, onEnd, onPath }: Props) {
  const [length, setLength] = useState(FIRST_LENGTH);
  const { from, to } = ends;
  const asked = useAnswer(
    async (signal) =>
      from && to ? (await get("/api/path", { query: { from: from.id, to: to.id, length }, signal })).items : [],
    [from?.id, to?.id, length],
  );
  useEffect(() => onPath(from && to ? (asked.answer ?? []).map(({ id }) => id) : []), [asked.answer]);
  useEffect(() => () => onPath([]), []);
  return (
    <section>
      <h2>{t("path.title")}</h2>
      <p class="muted">{t("path.help")}</p>
      {(["from", "to"] as const).map((end) => (
        <End key={end} label={t(`path.${end}`)} track={ends[end]} onChoose={(track) => onEnd(end, track)} />
      ))}
      {from && to && (
        <>
          <label class="path-search">
            {t("path.length", { count: length })}
            <input
              type="range"
              min={MIN_LENGTH}
              max={MAX_LENGTH}
              value={length}
              onChange={(event) => setLength(event.currentTarget.valueAsNumber)}
            />
          </label>
          <Answered asked={asked}>
            {(tracks) => (
              <>
                <div class="map-actions">
                  <button type="button" class="button main" disabled={!tracks.length} onClick={() => play(tracks)}>
                    <Icon name="play" size={20} isFilled />
                    {t("path.play")}
                  </button>
                </div>
                <TrackList tracks={tracks} label={t("path.title")} lead="cover" />
              </>
            )}
          </Answered>
        </>
      )}
    </section>
  );
}

interface EndProps {
  label: string;
  track: Track | undefined;
  onChoose: (track: Track | undefined) => void;
}

/** One end of the path: found by words, or by a point of the map. */
function End({ label, track, onChoose }: EndProps) {
  const [text, setText] = useState("");
  const list = useId();
  const words = text.trim();
  const asked = useAnswer(
    async (signal) => {
      if (words.length < 2) return [];
      await new Promise((done) => window.setTimeout(done, TYPING_MS));
      if (signal.aborted) return [];
      const found = await get("/api/search", { query: { q: words, type: "track", limit: FOUND_TRACKS }, signal });
      return found.items as Track[];
    },
    [words],
  );
  const choose = (chosen: Track) => {
    onChoose(chosen);
    setText("");
  };
  return (
    <div class="path-search">
      <label>
        {label}
        <input
          type="search"
          value={text || (track ? `${track.title} – ${track.artist}` : "")}
          placeholder={t("path.search")}
          autocomplete="off"
          aria-controls={list}
          onFocus={(event) => event.currentTarget.select()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (track) onChoose(undefined);
          }}
        />
      </label>
      <ul id={list} aria-label={t("path.found", { label })}>
        {words.length > 1 &&
          asked.answer?.map((found) => (
            <li key={found.id}>
              <button type="button" onClick={() => choose(found)}>
                <span class="one-line">{found.title}</span>
                <span class="muted"> {found.artist}</span>
              </button>
            </li>
          ))}
      </ul>
      {words.length > 1 && asked.answer?.length === 0 && !asked.isLoading && <p class="muted">{t("path.nothing")}</p>}
    </div>
  );
}
