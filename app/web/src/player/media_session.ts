/** What the system shows of the music and does with it: lock screen, headset, keys of a keyboard. */
import { effect } from "@preact/signals";
import type { Track } from "../api/models";
import { coverAddress } from "../components/Cover";
import { current, duration, isPlaying, next, pause, position, previous, resume, seek, turn } from "./player";

const COVER_PIXELS = [160, 320, 640];
const SEEK_SECONDS = 10;

export function startMediaSession(): void {
  const media = navigator.mediaSession;
  if (!media) return;
  const by = (sign: number) => (details: MediaSessionActionDetails) =>
    seek(position.peek() + sign * (details.seekOffset ?? SEEK_SECONDS));
  const actions: [MediaSessionAction, MediaSessionActionHandler][] = [
    ["play", resume],
    ["pause", pause],
    ["stop", pause],
    ["previoustrack", previous],
    ["nexttrack", next],
    ["seekto", ({ seekTime }) => seekTime !== undefined && seek(seekTime)],
    ["seekbackward", by(-1)],
    ["seekforward", by(1)],
  ];
  for (const [action, handler] of actions) {
    try {
      media.setActionHandler(action, handler);
    } catch {
      // A browser need not know every action.
    }
  }
  effect(() => {
    media.metadata = current.value ? metadataOf(current.value) : null;
  });
  effect(() => {
    media.playbackState = current.value ? (isPlaying.value ? "playing" : "paused") : "none";
  });
  let told = Number.NaN;
  let toldTurn = -1;
  effect(() => {
    // The system counts on by itself, so it is told of jumps alone.
    const seconds = position.value;
    const isNear = toldTurn === turn.value && Math.abs(seconds - told) < 2;
    told = seconds;
    if (isNear && isPlaying.value) return;
    toldTurn = turn.value;
    if (duration.value)
      media.setPositionState?.({ duration: duration.value, position: Math.min(seconds, duration.value) });
  });
}

function metadataOf(track: Track): MediaMetadata {
  return new MediaMetadata({
    title: track.title,
    artist: track.artist,
    album: track.album ?? "",
    artwork: COVER_PIXELS.map((size) => ({ src: coverAddress("track", track.id, size), sizes: `${size}x${size}` })),
  });
}
