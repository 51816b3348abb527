import type { Album } from "../api/models";
import { address } from "../base_path";
import { Cover } from "./Cover";
import "./AlbumCard.css";

/** An album in a grid or a row: cover, title, artist and year. */
export function AlbumCard({ album }: { album: Album }) {
  return (
    <article class="album-card">
      <a href={address(`/albums/${album.id}`)}>
        <Cover kind="album" id={album.id} hasPicture={album.has_cover} title={album.title} />
        <span class="title one-line">{album.title}</span>
      </a>
      <p class="muted one-line">
        <a href={address(`/artists/${album.artist_id}`)}>{album.artist}</a>
        {album.year && ` · ${album.year}`}
      </p>
    </article>
  );
}
