import { queryOf } from "../api/query";
import { address } from "../base_path";
import "./Cover.css";

interface Props {
  kind: "album" | "artist" | "track";
  id: number;
  /** Whether the API has a picture; without one the initial is shown. */
  hasPicture: boolean;
  title: string;
  /** Pixels of the thumbnail: 160, 320 or 640 are made in advance. */
  size?: number;
}

/** A cover, in a square. It is an ornament beside the title, so a screen reader does not hear of it. */
export function Cover({ kind, id, hasPicture, title, size = 320 }: Props) {
  return (
    <div class={`cover ${kind}`} aria-hidden="true">
      {hasPicture ? (
        <img src={coverAddress(kind, id, size)} alt="" loading="lazy" decoding="async" draggable={false} />
      ) : (
        <span>{[...title.trim()][0]?.toUpperCase() ?? "♪"}</span>
      )}
    </div>
  );
}

export function coverAddress(kind: Props["kind"], id: number, size: number): string {
  return address(`/api/covers/${kind}/${id}${queryOf({ size })}`);
}
