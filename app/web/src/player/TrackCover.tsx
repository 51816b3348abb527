import { useState } from "preact/hooks";
import type { Track } from "../api/models";
import { Cover } from "../components/Cover";

/** The cover of a track, or its initial where there is none. */
export function TrackCover({ track, size }: { track: Track; size: number }) {
  const [withoutPicture, setWithoutPicture] = useState<number>();
  return (
    <div class="track-cover" onErrorCapture={() => setWithoutPicture(track.id)}>
      <Cover
        kind="track"
        id={track.id}
        hasPicture={withoutPicture !== track.id}
        title={track.album ?? track.title}
        size={size}
      />
    </div>
  );
}
