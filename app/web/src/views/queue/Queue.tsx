import { useState } from "preact/hooks";
import type { Track } from "../../api/models";
import { session } from "../../api/session";
import { address } from "../../base_path";
import { addToPlaylist } from "../../components/add_to_playlist";
import { EntryList } from "../../components/EntryList";
import { MoreLikeThis } from "../../components/MoreLikeThis";
import { RadioButton } from "../../components/RadioButton";
import { SoundTags } from "../../components/SoundTags";
import { Star } from "../../components/Star";
import { t } from "../../messages";
import { Controls } from "../../player/Controls";
import { Lyrics } from "../../player/Lyrics";
import { clear, current, jump, move, queue, removeAt, waitingFor } from "../../player/player";
import { SeekBar } from "../../player/SeekBar";
import { isLoadDelayed } from "../../player/saved_queue";
import { TrackCover } from "../../player/TrackCover";
import { Waiting } from "../../player/Waiting";
import "./Queue.css";

const SHOWN_ENTRIES = 100;

/** What plays, large, with its lyrics, and what comes. */
export function Queue() {
  const track = current.value;
  if (!track) {
    return (
      <>
        <h1>{t("nav.queue")}</h1>
        <p class="notice muted">{t(isLoadDelayed.value ? "queue.loadDelayed" : "queue.empty")}</p>
      </>
    );
  }
  return (
    <div class="queue-view">
      <Now track={track} />
      <div>
        <Coming />
        {track.has_vector && <Alike key={track.id} track={track} />}
      </div>
    </div>
  );
}

function Now({ track }: { track: Track }) {
  return (
    <div class="now">
      <TrackCover track={track} size={640} />
      <div class="title">
        <div>
          <h1>{track.title}</h1>
          <p>
            <a href={address(`/artists/${track.artist_id}`)}>{track.artist}</a>
          </p>
          {track.album_id !== null && (
            <p class="muted">
              <a href={address(`/albums/${track.album_id}`)}>{track.album}</a>
            </p>
          )}
        </div>
        <Star kind="track" id={track.id} title={track.title} />
      </div>
      {track.has_vector && <SoundTags key={track.id} id={track.id} />}
      <div class="phone">
        {waitingFor.value && (
          <p role="status">
            <Waiting />
          </p>
        )}
        <SeekBar />
        <Controls />
      </div>
      <Lyrics track={track} />
    </div>
  );
}

/** Music that sounds like what plays: as a list, or without an end. */
function Alike({ track }: { track: Track }) {
  const [isShown, setShown] = useState(false);
  return (
    <div class="alike">
      <button type="button" class="button" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {t("similar.more")}
      </button>
      <RadioButton kind="track" id={track.id} title={track.title} track={track} />
      {isShown && <MoreLikeThis id={track.id} title={track.title} takesFocus />}
    </div>
  );
}

function Coming() {
  const [shownCount, setShownCount] = useState(SHOWN_ENTRIES);
  const { entries, position } = queue.value;
  const first = position + 1;
  const coming = entries.slice(first, first + shownCount);
  const left = entries.length - first - coming.length;
  return (
    <section class="coming">
      <header>
        <h2>{t("queue.coming")}</h2>
        {session.value?.user && (
          <button type="button" class="button" onClick={() => addToPlaylist(entries.map((entry) => entry.track))}>
            {t("queue.save")}
          </button>
        )}
        <button type="button" class="button" disabled={!coming.length} onClick={clear}>
          {t("queue.clear")}
        </button>
      </header>
      {coming.length ? (
        <EntryList
          label={t("queue.coming")}
          rows={coming.map(({ key, track }) => ({
            key,
            title: track.title,
            artist: track.artist,
            duration: track.duration,
          }))}
          play={(index) => jump(first + index)}
          move={(from, to) => move(first + from, first + to)}
          remove={(index) => removeAt(first + index)}
        />
      ) : (
        <p class="notice muted">{t("queue.nothingComes")}</p>
      )}
      {left > 0 && (
        <button type="button" class="button" onClick={() => setShownCount(shownCount + SHOWN_ENTRIES)}>
          {t("queue.showMore", { count: left })}
        </button>
      )}
    </section>
  );
}
