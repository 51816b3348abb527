import { useRoute } from "preact-iso";
import { get } from "../../api/client";
import type { FullAlbum } from "../../api/models";
import { address } from "../../base_path";
import { Cover } from "../../components/Cover";
import { Answered } from "../../components/Notice";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import "./AlbumView.css";

/** One album with its discs and tracks. */
export function AlbumView() {
  const album_id = Number(useRoute().params["id"]);
  const asked = useAnswer((signal) => get("/api/albums/{album_id}", { path: { album_id }, signal }), [album_id]);
  return <Answered asked={asked}>{(album) => <AlbumHead album={album} />}</Answered>;
}

function AlbumHead({ album }: { album: FullAlbum }) {
  return (
    <header class="album-head">
      <Cover kind="album" id={album.id} hasPicture={album.has_cover} title={album.title} size={640} />
      <div>
        <h1>{album.title}</h1>
        <p>
          <a href={address(`/artists/${album.artist_id}`)}>{album.artist}</a>
        </p>
        <p class="muted">{[album.year, t("count.tracks", { count: album.tracks })].filter(Boolean).join(" · ")}</p>
      </div>
    </header>
  );
}
