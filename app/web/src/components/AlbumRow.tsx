import type { Album } from "../api/models";
import { AlbumCard } from "./AlbumCard";
import "./AlbumRow.css";

/** A row of albums under a heading, which scrolls sideways. Without albums there is no row. */
export function AlbumRow({ title, albums }: { title: string; albums: readonly Album[] }) {
  if (!albums.length) return null;
  return (
    <section class="album-row">
      <h2>{title}</h2>
      <ul>
        {albums.map((album) => (
          <li key={album.id}>
            <AlbumCard album={album} />
          </li>
        ))}
      </ul>
    </section>
  );
}
