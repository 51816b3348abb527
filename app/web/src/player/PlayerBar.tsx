import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Track } from "../api/models";
import { loadStars } from "../api/stars";
import { address, basePath } from "../base_path";
import { Icon } from "../components/Icon";
import { Slider } from "../components/Slider";
import { Star } from "../components/Star";
import { t } from "../messages";
import { Controls, NextButton, PlayButton } from "./Controls";
import { areShortcutsShown } from "./keys";
import { current, duration, position, waitingFor } from "./player";
import { SeekBar } from "./SeekBar";
import { Shortcuts } from "./Shortcuts";
import { isMuted, volume } from "./settings";
import { TrackCover } from "./TrackCover";
import { Waiting } from "./Waiting";
import "./PlayerBar.css";

/** The player at the foot of every view. With an empty queue there is none. */
export function PlayerBar() {
  const isAtQueue = useLocation().path === `${basePath}/queue`;
  return (
    <>
      {current.value && (
        <section class={`player-bar ${isAtQueue ? "at-queue" : ""}`} aria-label={t("player.name")}>
          <Heard track={current.value} />
          <div class="wide transport">
            <Controls />
            <SeekBar />
          </div>
          <div class="narrow">
            <PlayButton />
            <NextButton />
          </div>
          <div class="wide more">
            <Volume />
            <a
              class="icon-button"
              href={address("/queue")}
              aria-label={t("nav.queue")}
              aria-current={isAtQueue ? "page" : undefined}
            >
              <Icon name="queue" />
            </a>
          </div>
          <Progress />
        </section>
      )}
      {areShortcutsShown.value && <Shortcuts />}
    </>
  );
}

function Heard({ track }: { track: Track }) {
  useEffect(() => void loadStars("track", [track.id]), [track.id]);
  return (
    <div class="heard">
      <a class="to-queue" href={address("/queue")} aria-label={t("player.open")}>
        <TrackCover track={track} size={160} />
      </a>
      <div class="names">
        <p class="one-line">
          <a href={track.album_id === null ? address("/queue") : address(`/albums/${track.album_id}`)}>{track.title}</a>
        </p>
        <p class="one-line muted" aria-live="polite">
          {waitingFor.value ? <Waiting /> : <a href={address(`/artists/${track.artist_id}`)}>{track.artist}</a>}
        </p>
      </div>
      <Star kind="track" id={track.id} title={track.title} />
    </div>
  );
}

function Volume() {
  const value = isMuted.value ? 0 : volume.value;
  const set = (to: number) => {
    isMuted.value = false;
    volume.value = to;
  };
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={t("player.mute")}
        aria-pressed={isMuted.value}
        onClick={() => {
          isMuted.value = !isMuted.value;
        }}
      >
        <Icon name={value ? "volume" : "muted"} size={20} />
      </button>
      <Slider
        label={t("player.volume")}
        text={`${Math.round(100 * value)} %`}
        max={1}
        value={value}
        keyStep={0.05}
        onInput={set}
        onChange={set}
      />
    </>
  );
}

function Progress() {
  const part = duration.value ? Math.min(position.value / duration.value, 1) : 0;
  return <div class="progress" aria-hidden="true" style={{ transform: `scaleX(${part})` }} />;
}
