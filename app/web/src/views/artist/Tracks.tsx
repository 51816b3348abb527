import { useLocation } from "preact-iso";
import { allPages, PAGE_ITEMS } from "../../api/all_pages";
import { get } from "../../api/client";
import type { FullArtist, Track } from "../../api/models";
import { TRACK_ROWS } from "../../components/grid/sizes";
import { TrackItem } from "../../components/grid/TrackItem";
import { usePagedList } from "../../components/grid/use_paged_list";
import { VirtualGrid } from "../../components/grid/VirtualGrid";
import { Answered } from "../../components/Notice";
import { TrackList } from "../../components/TrackList";
import { tell } from "../../components/tell";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { play } from "../../player/player";

const FIRST_TRACKS = 8;

/** The first tracks of an artist, or all of them, however many. The address says which, so Back finds them again. */
export function Tracks({ artist }: { artist: FullArtist }) {
  const { path, query, route } = useLocation();
  return (
    <section class="of-artist">
      <h2>{t("library.tracks")}</h2>
      {query["tracks"] === "all" ? (
        <All artist={artist} />
      ) : (
        <First artist={artist} showAll={() => route(`${path}?tracks=all`, true)} />
      )}
    </section>
  );
}

function First({ artist, showAll }: { artist: FullArtist; showAll: () => void }) {
  // One more tells whether there are more.
  const query = { ...ofArtist(artist.id), limit: FIRST_TRACKS + 1, count: false } as const;
  const asked = useAnswer((signal) => get("/api/tracks", { query, signal }), [artist.id]);
  return (
    <Answered asked={asked}>
      {({ items }) => (
        <>
          <TrackList
            label={t("library.tracks")}
            tracks={items.slice(0, FIRST_TRACKS)}
            lead="cover"
            knownArtist={artist.name}
            hasAlbum
          />
          {items.length > FIRST_TRACKS && (
            <button type="button" class="button more" onClick={showAll}>
              {t("library.allTracks")}
            </button>
          )}
        </>
      )}
    </Answered>
  );
}

function All({ artist }: { artist: FullArtist }) {
  const list = usePagedList<Track>(`tracks of artist ${artist.id}`, ({ isFirst, ...part }, signal) =>
    get("/api/tracks", { query: { ...ofArtist(artist.id), ...part, count: isFirst }, signal }),
  );
  const { run } = useAction();
  const playFrom = async ({ id }: Track) => {
    const isPlaying = await run(async () => {
      const tracks = await allTracks(artist.id);
      play(
        tracks,
        Math.max(
          0,
          tracks.findIndex((track) => track.id === id),
        ),
      );
    });
    if (!isPlaying) tell(t("error.network"));
  };
  return (
    <VirtualGrid list={list} label={t("library.tracks")} size={TRACK_ROWS}>
      {(track) => (
        <TrackItem track={track} lead="cover" knownArtist={artist.name} hasAlbum onPlay={() => playFrom(track)} />
      )}
    </VirtualGrid>
  );
}

/** Return all tracks of an artist, in the order of the list. */
export function allTracks(artist_id: number): Promise<Track[]> {
  return allPages((cursor) =>
    get("/api/tracks", { query: { ...ofArtist(artist_id), limit: PAGE_ITEMS, count: false, cursor } }),
  );
}

function ofArtist(artist_id: number) {
  return { artist_id, sort: "album" } as const;
}
