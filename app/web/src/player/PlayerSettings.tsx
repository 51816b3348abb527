import { useId } from "preact/hooks";
import { Panel } from "../components/Panel";
import { Slider } from "../components/Slider";
import { type MessageName, t } from "../messages";
import { areShortcutsShown } from "./keys";
import { crossfadeSeconds, MAX_CROSSFADE_SECONDS, QUALITIES, quality, REPLAY_GAINS, replayGain } from "./settings";
import "./PlayerSettings.css";

/** How this browser plays: crossfade, quality and ReplayGain. */
export function PlayerSettings() {
  const seconds = crossfadeSeconds.value;
  const crossfade = seconds ? t("playing.seconds", { count: seconds }) : t("playing.crossfadeOff");
  return (
    <Panel title={t("playing.title")}>
      <p class="muted">{t("playing.here")}</p>
      <Choice
        label={t("playing.quality")}
        help={t("playing.qualityHelp")}
        choices={QUALITIES.map((value) => [value, t(`playing.quality.${value}` as MessageName)])}
        value={quality.value}
        choose={(value) => {
          quality.value = value;
        }}
      />
      <Choice
        label={t("playing.gain")}
        help={t("playing.gainHelp")}
        choices={REPLAY_GAINS.map((value) => [value, t(`playing.gain.${value}` as MessageName)])}
        value={replayGain.value}
        choose={(value) => {
          replayGain.value = value;
        }}
      />
      <div class="playing-choice">
        <span>{t("playing.crossfade")}</span>
        <Slider
          label={t("playing.crossfade")}
          text={crossfade}
          max={MAX_CROSSFADE_SECONDS}
          value={seconds}
          keyStep={1}
          onInput={setCrossfade}
          onChange={setCrossfade}
        />
        <p class="muted">{crossfade}</p>
      </div>
      <p>
        <button
          type="button"
          class="button"
          onClick={() => {
            areShortcutsShown.value = true;
          }}
        >
          {t("shortcuts.title")}
        </button>
      </p>
    </Panel>
  );
}

function setCrossfade(seconds: number): void {
  crossfadeSeconds.value = Math.round(seconds);
}

interface ChoiceProps<T extends string> {
  label: string;
  help: string;
  choices: readonly (readonly [T, string])[];
  value: T;
  choose: (value: T) => void;
}

function Choice<T extends string>({ label, help, choices, value, choose }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="playing-choice">
      <label for={id}>{label}</label>
      <select
        id={id}
        aria-describedby={`${id}-help`}
        value={value}
        onChange={(event) => {
          const chosen = choices.find(([one]) => one === event.currentTarget.value);
          if (chosen) choose(chosen[0]);
        }}
      >
        {choices.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
      <p id={`${id}-help`} class="muted">
        {help}
      </p>
    </div>
  );
}
