import { get } from "../../api/client";
import type { Album, Artist, Genre, Track } from "../../api/models";
import { queryOf } from "../../api/query";
import { address } from "../../base_path";
import { AlbumCard } from "../../components/AlbumCard";
import { ArtistCard } from "../../components/ArtistCard";
import type { Page } from "../../components/grid/paged_list";
import { ALBUM_CARDS, ARTIST_CARDS, TRACK_ROWS } from "../../components/grid/sizes";
import { TrackItem } from "../../components/grid/TrackItem";
import { usePagedList } from "../../components/grid/use_paged_list";
import { VirtualGrid } from "../../components/grid/VirtualGrid";
import { ListHead } from "../../components/ListHead";
import { t } from "../../messages";
import { play } from "../../player/player";
import { GenreLink } from "./GenreLink";
import { type Kind, TITLES } from "./kinds";

type Item = Album | Artist | Genre | Track;
const SIZES = { artist: ARTIST_CARDS, album: ALBUM_CARDS, track: TRACK_ROWS, genre: TRACK_ROWS };

/** All that a search finds of one kind. */
export function FoundOfKind({ q, kind }: { q: string; kind: Kind }) {
  const list = usePagedList<Item>(`search ${kind} ${q}`, ({ limit, offset }, signal) =>
    search(q, kind, limit, offset, signal),
  );
  const total = list.total.value;
  return (
    <>
      <ListHead title={t(TITLES[kind])} count={total === undefined ? undefined : t("search.of", { count: total, q })} />
      <p class="back">
        <a href={address(`/search${queryOf({ q })}`)}>{t("search.allKinds")}</a>
      </p>
      <VirtualGrid list={list} label={t(TITLES[kind])} size={SIZES[kind]} empty={t("search.nothing")}>
        {(item, index) => {
          if (kind === "album") return <AlbumCard album={item as Album} />;
          if (kind === "artist") return <ArtistCard artist={item as Artist} />;
          if (kind === "genre") return <GenreLink genre={item as Genre} />;
          const playFrom = () => {
            const { items, at } = list.itemsAround(index);
            play(items as Track[], at);
          };
          return <TrackItem track={item as Track} lead="cover" hasAlbum onPlay={playFrom} />;
        }}
      </VirtualGrid>
    </>
  );
}

async function search(q: string, type: Kind, limit: number, offset: number, signal: AbortSignal): Promise<Page<Item>> {
  return get("/api/search", { query: { q, type, limit, offset }, signal });
}
