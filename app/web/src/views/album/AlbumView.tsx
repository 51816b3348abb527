import { Fragment } from "preact";
import { useEffect } from "preact/hooks";
import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { FullAlbum, Track } from "../../api/models";
import { loadStars } from "../../api/stars";
import { address } from "../../base_path";
import { AlbumRow } from "../../components/AlbumRow";
import { GenreNames } from "../../components/GenreNames";
import { ItemHead } from "../../components/ItemHead";
import { Answered } from "../../components/Notice";
import { PlayButtons } from "../../components/PlayButtons";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { factsOf } from "./facts";
import "./AlbumView.css";

const MORE_ALBUMS = 20;

/** One album with its discs and tracks, and others of its artist. */
export function AlbumView() {
  const album_id = Number(useRoute().params["id"]);
  const asked = useAnswer((signal) => get("/api/albums/{album_id}", { path: { album_id }, signal }), [album_id]);
  useEffect(() => loadStars("album", [album_id]), [album_id]);
  return (
    <Answered asked={asked}>
      {(album) => {
        const tracks = album.discs.flatMap((disc) => disc.tracks);
        return (
          <>
            <AlbumHead album={album} tracks={tracks} />
            <Discs album={album} tracks={tracks} />
            <MoreAlbums key={album.artist_id} album={album} />
          </>
        );
      }}
    </Answered>
  );
}

function AlbumHead({ album, tracks }: { album: FullAlbum; tracks: readonly Track[] }) {
  return (
    <ItemHead kind="album" id={album.id} hasPicture={album.has_cover} title={album.title}>
      <p class="album-artists">
        <AlbumArtists album={album} />
      </p>
      <p class="muted facts">{factsOf(album).join(" · ")}</p>
      <GenreNames genres={album.track_genres} />
      <PlayButtons title={album.title} load={async () => tracks} star={{ kind: "album", id: album.id }} />
    </ItemHead>
  );
}

function AlbumArtists({ album }: { album: FullAlbum }) {
  const artists = album.artists.length > 1 ? album.artists : [{ id: album.artist_id, name: album.artist }];
  return (
    <>
      {artists.map(({ id, name }, place) => (
        <Fragment key={id}>
          {place > 0 && ", "}
          <a href={address(`/artists/${id}`)}>{name}</a>
        </Fragment>
      ))}
    </>
  );
}

function Discs({ album, tracks }: { album: FullAlbum; tracks: readonly Track[] }) {
  const isNamed = album.discs.length > 1 || album.discs.some((disc) => disc.subtitle);
  return (
    <>
      {album.discs.map((disc) => {
        const name = disc.disc_no === null ? t("library.noDisc") : t("library.disc", { number: disc.disc_no });
        const title = [name, disc.subtitle].filter(Boolean).join(" · ");
        return (
          <section class="disc" key={disc.disc_no}>
            <h2 class={isNamed ? "" : "visually-hidden"}>{isNamed ? title : t("library.tracks")}</h2>
            <TrackList
              label={isNamed ? title : album.title}
              tracks={disc.tracks}
              playable={tracks}
              knownArtist={album.artist}
            />
          </section>
        );
      })}
    </>
  );
}

function MoreAlbums({ album }: { album: FullAlbum }) {
  const { artist_id } = album;
  const query = { artist_id, sort: "year", order: "desc", limit: MORE_ALBUMS, count: false } as const;
  const { answer } = useAnswer((signal) => get("/api/albums", { query, signal }), [artist_id]);
  const others = answer?.items.filter((other) => other.id !== album.id) ?? [];
  return <AlbumRow title={t("library.moreOf", { name: album.artist })} albums={others} />;
}
