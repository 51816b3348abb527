/** What plays, and what plays next. Views use these functions; `queue.ts` decides the order. */
import { computed, effect, signal } from "@preact/signals";
import type { Track } from "../api/models";
import { tell } from "../components/tell";
import { t } from "../messages";
import { fadeAt, fadeSeconds, soundLeft } from "./crossfade";
import { Deck } from "./deck";
import * as order from "./queue";
import { onAskedForAlbum } from "./replay_gain";
import { crossfadeSeconds, isMuted, repeat, volume } from "./settings";
import { causeOf, Retry } from "./trouble";

const PRELOAD_SECONDS = 30; // before the end; not at once, because a transcoded stream keeps a process waiting
const FADE_STEP_MS = 50;
const MAX_FAILURES = 3; // in a row, then it stops

export const queue = signal<order.Queue>(order.EMPTY);
const entry = computed(() => order.currentOf(queue.value));
/** The track that plays or is paused; undefined while the queue is empty. */
export const current = computed<Track | undefined>(() => entry.value?.track);
/** Whether music plays, or will as soon as it can. */
export const isPlaying = signal(false);
/** What the music waits for: the drive with the track, or the appliance and the way to it. */
export const waitingFor = signal<"drive" | "appliance" | undefined>(undefined);
/** Seconds of the current track. */
export const position = signal(0);
export const duration = computed(() => current.value?.duration ?? 0);
export const isShuffled = computed(() => queue.value.original !== undefined);
/** Counts the tracks that were begun. */
export const turn = signal(0);

let active = listenTo(new Deck());
let spare = listenTo(new Deck());
let fading: { deck: Deck; timer: number } | undefined;
let failures = 0;
const retry = new Retry();

onAskedForAlbum(() => order.isOneAlbum(queue.peek()));
effect(() => {
  volume.value;
  isMuted.value;
  for (const deck of [active, spare]) deck.applyVolume();
});

/** Play tracks in place of the queue, beginning with the one at `start`. */
export function play(tracks: readonly Track[], start = 0): void {
  if (!tracks.length) return;
  queue.value = order.queueOf(tracks, start);
  begin();
  resume();
}

/** Play tracks right after the current one. */
export function playNext(tracks: readonly Track[]): void {
  if (!current.peek()) play(tracks);
  else queue.value = order.withNext(queue.peek(), tracks);
}

/** Add tracks to the end of the queue. */
export function enqueue(tracks: readonly Track[]): void {
  if (!current.peek()) play(tracks);
  else queue.value = order.withLast(queue.peek(), tracks);
}

/**
 * Show a queue that was saved, paused, unless there is another one. Nothing is loaded before the listener plays it.
 * Return whether it is shown.
 */
export function restore(tracks: readonly Track[], start: number, seconds: number): boolean {
  if (current.peek() || !tracks.length) return false;
  queue.value = order.queueOf(tracks, start);
  position.value = Math.min(seconds, duration.peek());
  return true;
}

export function toggle(): void {
  if (isPlaying.peek()) pause();
  else resume();
}

export function resume(): void {
  if (!entry.peek()) return;
  isPlaying.value = true;
  if (active.entry !== entry.peek() || active.hasFailed) begin(position.peek());
  start();
}

export function pause(): void {
  isPlaying.value = false;
  waitingFor.value = undefined;
  retry.cancel();
  endFade();
  active.pause();
}

/** Play what follows. */
export function next(): void {
  go(order.nextIndex(queue.peek(), repeat.peek(), true));
}

/** Play what came before, or the same track again after some seconds of it. */
export function previous(): void {
  go(order.previousIndex(queue.peek(), repeat.peek(), position.peek()));
}

/** Play the entry at an index of the queue. */
export function jump(index: number): void {
  go(index);
  resume();
}

/** Go to a second of the current track. */
export function seek(seconds: number): void {
  const wanted = Math.min(Math.max(seconds, 0), duration.peek());
  endFade();
  position.value = wanted;
  if (active.entry === entry.peek() && !active.hasFailed) active.seek(wanted);
}

export function removeAt(index: number): void {
  const isCurrent = index === queue.peek().position;
  queue.value = order.without(queue.peek(), index);
  if (isCurrent) begin();
}

export function move(from: number, to: number): void {
  queue.value = order.moved(queue.peek(), from, to);
}

/** Remove everything but the current track. */
export function clear(): void {
  queue.value = order.withoutOthers(queue.peek());
}

export function toggleShuffle(): void {
  const before = queue.peek();
  queue.value = before.original
    ? order.unshuffled(before)
    : order.shuffled(before, Math.floor(Math.random() * 2 ** 31));
}

/** Repeat everything, then the track, then nothing. */
export function changeRepeat(): void {
  repeat.value = ({ off: "all", all: "one", one: "off" } as const)[repeat.peek()];
}

function go(index: number | undefined): void {
  if (index === undefined) {
    stop();
    return;
  }
  queue.value = order.at(queue.peek(), index);
  begin();
}

/** Load the current entry, or take the deck that has it already, and play it if music plays. */
function begin(seconds = 0): void {
  endFade();
  retry.cancel();
  waitingFor.value = undefined;
  position.value = seconds;
  turn.value++;
  const wanted = entry.peek();
  if (!wanted) {
    stop();
    return;
  }
  if (spare.entry === wanted && !spare.hasFailed && !seconds) {
    [active, spare] = [spare, active];
    spare.clear();
    if (active.seconds) active.seek(0);
  } else {
    void active.load(wanted, seconds);
  }
  start();
}

function start(): void {
  if (!isPlaying.peek()) return;
  const deck = active;
  // iOS lets an element play by itself only after it was loaded by a tap.
  if (!spare.entry) spare.element.load();
  deck.play().catch((error: DOMException) => {
    if (deck === active && error.name === "NotAllowedError") isPlaying.value = false;
  });
}

/** Stop at the end of the queue: its last track is there to be played again. */
function stop(): void {
  isPlaying.value = false;
  waitingFor.value = undefined;
  active.pause();
  active.clear();
  position.value = 0;
}

function listenTo(deck: Deck): Deck {
  const { element } = deck;
  element.addEventListener("timeupdate", () => deck === active && progress());
  element.addEventListener("ended", () => deck === active && go(following()));
  element.addEventListener("error", () => void fail(deck));
  // By the machine: a headset was unplugged, a call came in.
  element.addEventListener("pause", () => {
    if (deck === active && !element.ended && !deck.hasFailed) isPlaying.value = false;
  });
  return deck;
}

function following(): number | undefined {
  return order.nextIndex(queue.peek(), repeat.peek(), false);
}

function progress(): void {
  if (active.entry !== entry.peek() || active.hasFailed) return;
  position.value = active.seconds;
  if (active.element.paused || !active.element.currentTime) return;
  failures = 0;
  retry.reset();
  waitingFor.value = undefined;
  const left = soundLeft(active.seconds, duration.peek(), active.silence);
  if (left > PRELOAD_SECONDS) return;
  const index = following();
  const coming = index === undefined ? undefined : queue.peek().entries[index];
  if (!coming || fading) return;
  if (spare.entry !== coming) void spare.loadToFollow(coming);
  const seconds = fadeSeconds(crossfadeSeconds.peek(), duration.peek(), active.silence);
  if (seconds && left <= seconds && !spare.hasFailed) crossfade(index as number, left);
}

function crossfade(index: number, seconds: number): void {
  const going = active;
  queue.value = order.at(queue.peek(), index);
  turn.value++;
  [active, spare] = [spare, active];
  position.value = active.seconds;
  const began = performance.now();
  const step = () => {
    const part = (performance.now() - began) / 1000 / Math.max(seconds, 0.001);
    const loud = fadeAt(part);
    active.setFade(loud.coming);
    going.setFade(loud.going);
    if (part >= 1) endFade();
  };
  fading = { deck: going, timer: window.setInterval(step, FADE_STEP_MS) };
  step();
  start();
}

function endFade(): void {
  if (!fading) return;
  window.clearInterval(fading.timer);
  fading.deck.clear();
  fading = undefined;
  active.setFade(1);
}

async function fail(deck: Deck): Promise<void> {
  const failed = deck.entry;
  if (!failed || !deck.element.error) return;
  deck.hasFailed = true;
  if (deck !== active || !isPlaying.peek()) return; // it is tried when its turn comes
  const seconds = position.peek();
  const cause = await causeOf(deck.url);
  if (deck !== active || deck.entry !== failed || !isPlaying.peek()) return;
  if (cause !== "unplayable") {
    if (cause === "drive" && waitingFor.peek() !== "drive") tell(t("player.driveAway", { title: failed.track.title }));
    waitingFor.value = cause === "drive" ? "drive" : "appliance";
    retry.after(() => {
      void deck.load(failed, seconds);
      start();
    });
    return;
  }
  failures++;
  const index = order.nextIndex(queue.peek(), repeat.peek(), true);
  const goesOn = failures < MAX_FAILURES && index !== undefined;
  tell(t(goesOn ? "player.skipped" : "player.stopped", { title: failed.track.title }));
  go(goesOn ? index : undefined);
}
