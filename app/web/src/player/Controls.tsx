import { Icon } from "../components/Icon";
import { t } from "../messages";
import { changeRepeat, isPlaying, isShuffled, next, previous, toggle, toggleShuffle } from "./player";
import { repeat } from "./settings";

const REPEATS = { off: "player.repeatOff", all: "player.repeatAll", one: "player.repeatOne" } as const;

/** Shuffle, previous, play, next and repeat. */
export function Controls() {
  return (
    <div class="controls">
      <button
        type="button"
        class="icon-button"
        aria-label={t("action.shuffle")}
        aria-pressed={isShuffled.value}
        title={t("action.shuffle")}
        onClick={toggleShuffle}
      >
        <Icon name="shuffle" size={20} />
      </button>
      <button type="button" class="icon-button" aria-label={t("player.previous")} onClick={previous}>
        <Icon name="previous" isFilled />
      </button>
      <PlayButton />
      <NextButton />
      <button
        type="button"
        class="icon-button"
        aria-label={t(REPEATS[repeat.value])}
        aria-pressed={repeat.value !== "off"}
        title={t(REPEATS[repeat.value])}
        onClick={changeRepeat}
      >
        <Icon name={repeat.value === "one" ? "repeatOne" : "repeat"} size={20} />
      </button>
    </div>
  );
}

export function PlayButton() {
  return (
    <button
      type="button"
      class="icon-button play"
      aria-label={t(isPlaying.value ? "action.pause" : "action.play")}
      onClick={toggle}
    >
      <Icon name={isPlaying.value ? "pause" : "play"} isFilled />
    </button>
  );
}

export function NextButton() {
  return (
    <button type="button" class="icon-button" aria-label={t("player.next")} onClick={next}>
      <Icon name="next" isFilled />
    </button>
  );
}
