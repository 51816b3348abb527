import { useState } from "preact/hooks";
import { Slider } from "../components/Slider";
import { clock } from "../format";
import { t } from "../messages";
import { duration, position, seek } from "./player";

const KEY_SECONDS = 5;

/** Where the track is, and how long it is. Arrows go five seconds. */
export function SeekBar() {
  const [dragged, setDragged] = useState<number>();
  const length = duration.value;
  const seconds = dragged ?? Math.min(position.value, length);
  return (
    <div class="seek-bar">
      <span class="here" aria-hidden="true">
        {clock(seconds)}
      </span>
      <Slider
        label={t("player.position")}
        text={t("player.positionOf", { position: clock(seconds), duration: clock(length) })}
        max={length}
        value={seconds}
        keyStep={KEY_SECONDS}
        onInput={setDragged}
        onChange={(value) => {
          setDragged(undefined);
          seek(value);
        }}
      />
      <span aria-hidden="true">{clock(length)}</span>
    </div>
  );
}
