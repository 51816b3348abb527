/** In which form a track is asked for, and how loud it plays. */
import type { Track } from "../api/models";
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
const R128_TO_REPLAYGAIN_DB = 5; // EBU R 128 aims at -23 LUFS, ReplayGain 2.0 at -18 LUFS

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
 * Return the factor of the volume by which the ReplayGain of a track's tags makes it as loud as others; 1 without tags.
 *
 * As the API applies it: a missing gain of one kind is that of the other, and where the tags state no peak it only
 * lowers.
 */
export function gainFactor(tags: Readonly<Record<string, unknown>>, kind: "track" | "album"): number {
  for (const one of [kind, kind === "track" ? "album" : "track"]) {
    const r128 = numberOf(tags[`r128_${one}_gain`]);
    const stated =
      numberOf(tags[`replaygain_${one}_gain`]) ?? (r128 === undefined ? undefined : r128 + R128_TO_REPLAYGAIN_DB);
    if (stated === undefined) continue;
    const peak = numberOf(tags[`replaygain_${one}_peak`]) ?? 0;
    const highest = peak > 0 && peak <= MAX_PEAK ? Math.min(MAX_GAIN_DB, -20 * Math.log10(peak)) : 0;
    return 10 ** (Math.min(Math.max(stated, -MAX_GAIN_DB), highest) / 20);
  }
  return 1;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Return how loud the next track is, and the one before, at a part of the crossfade from 0 to 1: of equal power. */
export function fadeAt(part: number): { coming: number; going: number } {
  const angle = (Math.min(Math.max(part, 0), 1) * Math.PI) / 2;
  return { coming: Math.sin(angle), going: Math.cos(angle) };
}
