import type { ComponentChildren } from "preact";
import type { Track } from "../api/models";
import type { StarKind } from "../api/stars";
import { t } from "../messages";
import { play } from "../player/player";
import { type Action, ActionMenu } from "./ActionMenu";
import { Icon } from "./Icon";
import { ErrorNotice } from "./Notice";
import "./PlayButtons.css";
import { RadioButton } from "./RadioButton";
import { Star } from "./Star";
import { shuffled } from "./shuffled";
import { queueActions } from "./track_actions";
import { useAction } from "./use_action";

interface Props {
  title: string;
  /** Return the tracks, which may have to be asked for. */
  load: () => Promise<readonly Track[]>;
  star?: { kind: StarKind; id: number };
  /** More buttons. */
  children?: ComponentChildren;
}

/** What can be done with all tracks of an album or an artist: play, shuffle, play next, add to the queue, star. */
export function PlayButtons({ title, load, star, children }: Props) {
  const { error, run } = useAction();
  const withTracks = (use: (tracks: readonly Track[]) => void) => () => run(async () => use(await load()));
  // The labels are the same for any tracks; what they do is asked for when one is chosen.
  const actions = (): Action[] =>
    queueActions([]).map(({ label, icon }, place) => ({
      label,
      icon,
      run: withTracks((tracks) => queueActions(tracks)[place]?.run?.()),
    }));
  return (
    <>
      <div class="play-buttons">
        <button type="button" class="button main" onClick={withTracks((tracks) => play(tracks))}>
          <Icon name="play" size={20} isFilled />
          {t("action.play")}
        </button>
        <button type="button" class="button" onClick={withTracks((tracks) => play(shuffled(tracks)))}>
          <Icon name="shuffle" size={20} />
          {t("action.shuffle")}
        </button>
        {star && <RadioButton {...star} title={title} />}
        {star && <Star {...star} title={title} />}
        {children}
        <ActionMenu label={t("library.menuOf", { title })} actions={actions} />
      </div>
      {error && <ErrorNotice error={error} />}
    </>
  );
}
