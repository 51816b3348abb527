/** In which form a track is asked for, and how loud it plays. */
import type { ReplayGain as ReplayGainOfTrack, Track } from "../api/models";
import { queryOf } from "../api/query";

export type Quality = "auto" | "original" | "320" | "192" | "128";
export type ReplayGain = "off" | "auto" | "track" | "album";

/** What the browser knows of its network, where it tells. */
export interface Network {
  saveData?: boolean;
  type?: string;
}

const SAVING_KBITS = 160;
// Of these formats a file is sent as it is where it has no more bits a second than asked for.
const LOSSY_FORMATS = new Set(["MP3", "AAC", "M4A", "Opus", "Ogg Vorbis", "MP2", "Musepack", "WMA", "Speex", "AC-3"]);
const MAX_GAIN_DB = 30; // tags may state anything
const MAX_PEAK = 100;

/** Return the path of a track's stream. `offset` leaves out so many seconds. */
export function streamPath(
  track: Pick<Track, "id" | "format">,
  quality: Quality,
  network: Network,
  playsOpus: boolean,
  offset = 0,
): string {
  const bit_rate = bitRate(quality, network);
  const format = bit_rate && playsOpus && !LOSSY_FORMATS.has(track.format) ? "opus" : undefined;
  return `/api/tracks/${track.id}/stream${queryOf({ format, bit_rate, offset: offset || undefined })}`;
}

function bitRate(quality: Quality, network: Network): number | undefined {
  if (quality === "original") return undefined;
  if (quality !== "auto") return Number(quality);
  return network.saveData || network.type === "cellular" ? SAVING_KBITS : undefined;
}

/**
 * Return the factor of the volume by which ReplayGain makes a track as loud as others; 1 where nothing is known of it.
 *
 * As the API applies it: a missing gain of one kind is that of the other, and without a known peak it only lowers.
 */
export function gainFactor(gains: ReplayGainOfTrack, kind: "track" | "album"): number {
  const gain = gains[kind] ?? gains[kind === "track" ? "album" : "track"];
  if (!gain) return 1;
  const peak = gain.peak ?? 0;
  const highest = peak > 0 && peak <= MAX_PEAK ? Math.min(MAX_GAIN_DB, -20 * Math.log10(peak)) : 0;
  return 10 ** (Math.min(Math.max(gain.gain_db, -MAX_GAIN_DB), highest) / 20);
}
