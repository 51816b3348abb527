/** Where the names of genres and artists stand on the map, and which of them have room. */
import { type Camera, type Place, type Size, toScreen } from "./camera";
import type { Spots } from "./spots";

export interface Label extends Place {
  readonly kind: "genre" | "artist";
  readonly id: number;
  readonly name: string;
  readonly count: number;
}

const ARTISTS_FROM_ZOOM = 2;
const MIN_ARTIST_TRACKS = 2;
const GENRE_LETTER_PX = 8.5;
const ARTIST_LETTER_PX = 6.6;
const LINE_PX = 20;
const GAP_PX = 10;

/** Most tracks first. */
export interface Labels {
  readonly genre: readonly Label[];
  /** They are put in place when they are read for the first time. */
  readonly artist: readonly Label[];
}

interface Named {
  readonly id: number;
  readonly name: string;
}

export const NO_LABELS: Labels = { genre: [], artist: [] };

/** Return a label for each named genre and artist that is on the map. */
export function labelsOf(spots: Spots, names: { genres: readonly Named[]; artists: readonly Named[] }): Labels {
  let ofArtists: readonly Label[] | undefined;
  return {
    genre: placed(spots, "genre", names.genres),
    get artist() {
      ofArtists ??= placed(spots, "artist", names.artists);
      return ofArtists;
    },
  };
}

function placed(spots: Spots, kind: Label["kind"], names: readonly Named[]): Label[] {
  return names
    .flatMap(({ id, name }) => {
      const spot = spots[kind].get(id);
      return spot ? [{ kind, id, name, ...spot }] : [];
    })
    .sort((a, b) => b.count - a.count || a.id - b.id);
}

/** Return the labels that are seen, with their places on the screen. None covers another; genres come first. */
export function visible(labels: Labels, camera: Camera, size: Size, zoom: number): Label[] {
  const taken: { x: number; y: number; half: number }[] = [];
  const shown: Label[] = [];
  const show = (label: Label) => {
    const at = toScreen(camera, size, label);
    if (at.x < 0 || at.y < 0 || at.x > size.width || at.y > size.height) return;
    const half = (label.name.length * (label.kind === "genre" ? GENRE_LETTER_PX : ARTIST_LETTER_PX)) / 2 + GAP_PX;
    const hasRoom = taken.every(
      (other) => Math.abs(other.x - at.x) > other.half + half || Math.abs(other.y - at.y) > LINE_PX,
    );
    if (!hasRoom) return;
    taken.push({ ...at, half });
    shown.push({ ...label, ...at });
  };
  for (const label of labels.genre) show(label);
  if (zoom >= ARTISTS_FROM_ZOOM) {
    for (const label of labels.artist) {
      if (label.count < MIN_ARTIST_TRACKS) break; // those with fewer follow
      show(label);
    }
  }
  return shown;
}
