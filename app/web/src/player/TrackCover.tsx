import { useEffect, useState } from "preact/hooks";
import type { Track } from "../api/models";
import { Cover } from "../components/Cover";

/** The cover of a track, or its initial where there is none. */
export function TrackCover({ track, size }: { track: Track; size: number }) {
  const [isMissing, setMissing] = useState(false);
  useEffect(() => setMissing(false), [track.id]);
  return (
    <div class="track-cover" onErrorCapture={() => setMissing(true)}>
      <Cover kind="track" id={track.id} hasPicture={!isMissing} title={track.album ?? track.title} size={size} />
    </div>
  );
}
