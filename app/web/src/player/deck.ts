/** An audio element with the track that it has loaded. The player has two: one plays, the other has the next track. */
import { address } from "../base_path";
import { NO_SILENCE, type Silence, silenceOf } from "./crossfade";
import type { Entry } from "./queue";
import { gainOf } from "./replay_gain";
import { crossfadeSeconds, isMuted, quality, volume } from "./settings";
import { type Network, streamPath } from "./sound";
import { factsOf } from "./track_facts";

export class Deck {
  readonly element = document.createElement("audio");
  entry: Entry | undefined;
  /** Whether what was loaded cannot be played, or not now. */
  hasFailed = false;
  /** The silence at the ends of the track, if a crossfade is set and it was measured. */
  silence: Silence = NO_SILENCE;
  /** Seconds of the track that the stream leaves out at its beginning. */
  private offset = 0;
  /** Where to begin once the browser knows the stream. */
  private startSeconds = 0;
  private gain = 1;
  private fade = 1;

  constructor() {
    this.element.preload = "auto";
    this.element.addEventListener("loadedmetadata", () => this.startSeconds && this.seek(this.startSeconds));
    document.body.append(this.element);
  }

  /** Where it is, in seconds of the track. */
  get seconds(): number {
    return this.startSeconds || this.offset + this.element.currentTime;
  }

  get url(): string {
    return this.element.src;
  }

  /** Load a track. Returns when its silence is known, if somebody wants to know it. */
  async load(entry: Entry, seconds = 0): Promise<void> {
    this.entry = entry;
    this.startSeconds = seconds;
    this.setFade(1);
    this.fetch(0);
    void gainOf(entry.track).then((gain) => {
      if (this.entry !== entry) return;
      this.gain = gain;
      this.applyVolume();
    });
    await this.learnSilence(entry);
  }

  /** Load a track that a crossfade may begin: it then waits where its sound begins. */
  async loadToFollow(entry: Entry): Promise<void> {
    await this.load(entry);
    const isWaiting = this.entry === entry && this.element.paused && !this.seconds;
    if (isWaiting && this.silence.start && crossfadeSeconds.peek()) this.seek(this.silence.start);
  }

  /** Forget the track; nothing is loaded any more. */
  clear(): void {
    this.entry = undefined;
    this.startSeconds = 0;
    this.element.removeAttribute("src");
    this.element.load();
  }

  async play(): Promise<void> {
    await this.element.play();
  }

  pause(): void {
    this.element.pause();
  }

  /** Go to a second of the track. A stream that is transcoded has no ranges, so it is asked for from there on. */
  seek(seconds: number): void {
    if (!this.element.readyState) {
      this.startSeconds = seconds;
      return;
    }
    this.startSeconds = 0;
    if (this.hasRange(seconds - this.offset)) {
      this.element.currentTime = seconds - this.offset;
      return;
    }
    const isPlaying = !this.element.paused;
    this.fetch(seconds);
    if (isPlaying) void this.element.play().catch(() => undefined);
  }

  /** How loud it is beside the other one, from 0 to 1. */
  setFade(fade: number): void {
    this.fade = fade;
    this.applyVolume();
  }

  applyVolume(): void {
    this.element.volume = Math.min(volume.peek() * this.gain * this.fade, 1);
    this.element.muted = isMuted.peek();
  }

  private async learnSilence(entry: Entry): Promise<void> {
    this.silence = NO_SILENCE;
    if (!crossfadeSeconds.peek()) return;
    const { loudness } = await factsOf(entry.track.id);
    if (this.entry === entry) this.silence = silenceOf(loudness, entry.track.duration);
  }

  private fetch(offset: number): void {
    if (!this.entry) return;
    const network = (navigator as Navigator & { connection?: Network }).connection ?? {};
    const playsOpus = this.element.canPlayType('audio/ogg; codecs="opus"') !== "";
    this.hasFailed = false;
    this.offset = offset;
    this.element.src = address(streamPath(this.entry.track, quality.peek(), network, playsOpus, offset));
  }

  private hasRange(seconds: number): boolean {
    const { seekable, buffered } = this.element;
    // Of a stream without an end browsers say that all of it can be sought, but they cannot ask for it.
    const ranges =
      seekable.length && seekable.end(seekable.length - 1) === Number.POSITIVE_INFINITY ? buffered : seekable;
    return Array.from({ length: ranges.length }, (_, i) => i).some(
      (i) => ranges.start(i) <= seconds && seconds <= ranges.end(i),
    );
  }
}
