import { useState } from "preact/hooks";
import { queryOf } from "../api/query";
import { address as addressOf } from "../base_path";
import "./Cover.css";

const ASK_AGAIN_MS = 60_000; // a cover is found while its album is analysed
/** When the API had no picture of an item. Lists and the player show the same items in several sizes. */
const missingSince = new Map<string, number>();

interface Props {
  kind: "album" | "artist" | "track";
  id: number;
  /** Whether the API has a picture, as far as one knows; without one the initial is shown. */
  hasPicture: boolean;
  title: string;
  /** Pixels of the thumbnail: 160, 320 or 640 are made in advance. */
  size?: number;
}

/** A cover, in a square. It is an ornament beside the title, so a screen reader does not hear of it. */
export function Cover({ kind, id, hasPicture, title, size = 320 }: Props) {
  const address = coverAddress(kind, id, size);
  const item = `${kind}/${id}`;
  const [missing, setMissing] = useState("");
  const isMissing = missing === item || performance.now() - (missingSince.get(item) ?? -ASK_AGAIN_MS) < ASK_AGAIN_MS;
  const onError = () => {
    missingSince.set(item, performance.now());
    setMissing(item);
  };
  return (
    <div class={`cover ${kind}`} aria-hidden="true">
      {hasPicture && !isMissing ? (
        <img src={address} alt="" loading="lazy" decoding="async" draggable={false} onError={onError} />
      ) : (
        <span>{[...title.trim()][0]?.toUpperCase() ?? "♪"}</span>
      )}
    </div>
  );
}

export function coverAddress(kind: Props["kind"], id: number, size: number): string {
  return addressOf(`/api/covers/${kind}/${id}${queryOf({ size })}`);
}
