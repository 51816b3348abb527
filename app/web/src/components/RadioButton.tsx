import type { Track } from "../api/models";
import { t } from "../messages";
import { radio, type Source, startRadio, stopRadio } from "../player/radio";
import { Icon } from "./Icon";
import { tell } from "./tell";
import { useAction } from "./use_action";

interface Props extends Source {
  /** The track itself, which then plays first. */
  track?: Track;
}

/** Plays what sounds like a track, an album, an artist, a genre or a sound tag, without an end; pressed again it ends with the queue. */
export function RadioButton({ kind, id, title, track }: Props) {
  const { isRunning, run } = useAction();
  const isOn = radio.value?.kind === kind && radio.value.id === id;
  const press = async () => {
    if (isOn) {
      stopRadio();
      return;
    }
    if (!(await run(() => startRadio({ kind, id, title }, track)))) tell(t("radio.failed"));
  };
  return (
    <button
      type="button"
      class="button"
      aria-pressed={isOn}
      aria-label={t("radio.of", { title })}
      disabled={isRunning}
      onClick={press}
    >
      <Icon name="radio" size={20} />
      {t("radio.name")}
    </button>
  );
}
