import { useState } from "preact/hooks";
import type { Track } from "../../api/models";
import { session } from "../../api/session";
import { loadTracks } from "../../api/tracks";
import { addToPlaylist } from "../../components/add_to_playlist";
import { Icon } from "../../components/Icon";
import { Answered, ErrorNotice } from "../../components/Notice";
import { TrackList } from "../../components/TrackList";
import { tell } from "../../components/tell";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { enqueue, play } from "../../player/player";

interface Props {
  title: string;
  /** In the order in which they are shown and played. */
  ids: readonly number[];
  onClose?: () => void;
}

const SHOWN_TRACKS = 100;
const MAX_TRACKS = 2_000; // that are played or kept at once

/** Some tracks of the map: play them, put them into the queue, or keep them as a playlist. */
export function Region({ title, ids, onClose }: Props) {
  const [limit, setLimit] = useState(SHOWN_TRACKS);
  const shownIds = ids.slice(0, limit);
  const asked = useAnswer((signal) => loadTracks(shownIds, signal), [shownIds.join()]);
  const { error, run } = useAction();
  const withTracks = (use: (tracks: readonly Track[]) => void) => () =>
    run(async () => use(await loadTracks(ids.slice(0, MAX_TRACKS))));
  const enqueueAll = withTracks((tracks) => {
    enqueue(tracks);
    tell(t("library.queued", { count: tracks.length }));
  });
  return (
    <section>
      <h2>{title}</h2>
      <p class="muted" role="status">
        {t("count.tracks", { count: ids.length })}
        {ids.length > MAX_TRACKS && ` · ${t("map.onlySome", { count: MAX_TRACKS })}`}
      </p>
      {ids.length > 0 && (
        <div class="map-actions">
          <button type="button" class="button main" onClick={withTracks((tracks) => play(tracks))}>
            <Icon name="play" size={20} isFilled />
            {t("action.play")}
          </button>
          <button type="button" class="button" onClick={enqueueAll}>
            <Icon name="queue" size={20} />
            {t("library.enqueue")}
          </button>
          {session.value?.user && (
            <button type="button" class="button" onClick={withTracks(addToPlaylist)}>
              <Icon name="playlist" size={20} />
              {t("map.keep")}
            </button>
          )}
          {onClose && (
            <button type="button" class="button" onClick={onClose}>
              <Icon name="close" size={18} />
              {t("map.unchoose")}
            </button>
          )}
        </div>
      )}
      {error && <ErrorNotice error={error} />}
      <Answered asked={asked}>{(tracks) => <TrackList tracks={tracks} label={title} lead="cover" />}</Answered>
      {ids.length > limit && (
        <button type="button" class="button" onClick={() => setLimit(limit + SHOWN_TRACKS)}>
          {t("map.more")}
        </button>
      )}
    </section>
  );
}
