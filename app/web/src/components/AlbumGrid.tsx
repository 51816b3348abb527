import type { Album } from "../api/models";
import { AlbumCard } from "./AlbumCard";

/** A few albums in a grid. Lists of any length are in a `VirtualGrid`. */
export function AlbumGrid({ albums }: { albums: readonly Album[] }) {
  return (
    <ul class="album-grid">
      {albums.map((album) => (
        <li key={album.id}>
          <AlbumCard album={album} />
        </li>
      ))}
    </ul>
  );
}
