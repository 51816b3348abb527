import { useEffect } from "preact/hooks";
import type { Track } from "../../api/models";
import { loadStars } from "../../api/stars";
import { TrackRow, type TrackRowLook } from "../TrackRow";

interface Props extends TrackRowLook {
  track: Track;
  onPlay: () => void;
}

/** A track of a list of any length: its star is asked for when it comes into view. */
export function TrackItem(props: Props) {
  const { id } = props.track;
  useEffect(() => loadStars("track", [id]), [id]);
  return <TrackRow {...props} />;
}
