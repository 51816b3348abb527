import { useState } from "preact/hooks";
import type { Track } from "../../api/models";
import { loadTrack } from "../../api/tracks";
import { Cover } from "../../components/Cover";
import { Icon } from "../../components/Icon";
import { itemWithCover } from "../../components/item_with_cover";
import { MoreLikeThis } from "../../components/MoreLikeThis";
import { Answered } from "../../components/Notice";
import { RadioButton } from "../../components/RadioButton";
import { SoundTags } from "../../components/SoundTags";
import { Artists } from "../../components/TrackRow";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { play } from "../../player/player";

interface Props {
  id: number;
  onPathEnd: (end: "from" | "to", track: Track) => void;
}

const HOVER_MS = 120; // a pointer that only passes asks for nothing
const SURE_CONFIDENCE = 0.35; // of tempi with it 9 of 10 are right, below it fewer: bench/tempo.py

/** The track of a point, and what can be done with it. */
export function ShownTrack({ id, onPathEnd }: Props) {
  const asked = useAnswer(
    async (signal) => {
      await new Promise((done) => window.setTimeout(done, HOVER_MS));
      return signal.aborted ? undefined : { track: await loadTrack(id, signal) };
    },
    [id],
  );
  const [isLikeShown, setLikeShown] = useState(false);
  return (
    <section aria-live="polite">
      <Answered asked={asked}>
        {(found) =>
          found?.track ? (
            <>
              <Head track={found.track} />
              <SoundTags key={found.track.id} id={found.track.id} />
              <div class="map-actions">
                <button type="button" class="button main" onClick={() => found.track && play([found.track])}>
                  <Icon name="play" size={20} isFilled />
                  {t("action.play")}
                </button>
                <RadioButton kind="track" id={found.track.id} title={found.track.title} track={found.track} />
                <button
                  type="button"
                  class="button"
                  aria-expanded={isLikeShown}
                  onClick={() => setLikeShown(!isLikeShown)}
                >
                  {t("similar.more")}
                </button>
                {(["from", "to"] as const).map((end) => (
                  <button
                    key={end}
                    type="button"
                    class="button"
                    onClick={() => found.track && onPathEnd(end, found.track)}
                  >
                    {t(`path.${end}Here`)}
                  </button>
                ))}
              </div>
              {isLikeShown && <MoreLikeThis id={found.track.id} title={found.track.title} />}
            </>
          ) : (
            <p class="muted">{t("error.missing")}</p>
          )
        }
      </Answered>
    </section>
  );
}

function tempoOf(bpm: number, confidence: number | null): string {
  const isUnsure = confidence !== null && confidence < SURE_CONFIDENCE;
  return t(isUnsure ? "map.bpmUnsure" : "map.bpm", { count: Math.round(bpm) });
}

function Head({ track }: { track: Track }) {
  const facts = [
    track.genres[0],
    track.year,
    track.musical_key && `${track.musical_key} (${track.camelot})`,
    track.bpm && tempoOf(track.bpm, track.bpm_confidence),
  ];
  return (
    <div class="map-track">
      <Cover {...itemWithCover(track)} hasPicture title={track.album ?? track.title} size={160} />
      <div class="names">
        <h2>{track.title}</h2>
        <p class="muted">
          <Artists track={track} />
        </p>
        <p class="muted">{facts.filter(Boolean).join(" · ")}</p>
      </div>
    </div>
  );
}
