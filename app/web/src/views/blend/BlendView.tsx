import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { get } from "../../api/client";
import { session } from "../../api/session";
import { loadTracks } from "../../api/tracks";
import { address } from "../../base_path";
import { type Blend, isEmpty, NO_TRACKS, PATH, pathOf, readBlend, type Way, without } from "../../blend/blend";
import { gathered } from "../../blend/gathered";
import { addToPlaylist } from "../../components/add_to_playlist";
import { EntryList } from "../../components/EntryList";
import { Icon } from "../../components/Icon";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { PlayButtons } from "../../components/PlayButtons";
import { TrackList } from "../../components/TrackList";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { play } from "../../player/player";
import "./BlendView.css";

const SHOWN_TRACKS = 50;

/** A blend: the tracks that it is made of, and those that sound like some of them and unlike the others. */
export function BlendView() {
  const blend = useBlend();
  return (
    <div class="blend-view">
      <header>
        <h1>{t("nav.blend")}</h1>
        {!isEmpty(blend) && (
          <button type="button" class="button" onClick={() => change(NO_TRACKS)}>
            {t("queue.clear")}
          </button>
        )}
      </header>
      <p class="muted">{t("blend.help")}</p>
      {!isEmpty(blend) && (
        <>
          <div class="given">
            <Given way="more" blend={blend} />
            <Given way="less" blend={blend} />
          </div>
          <Result blend={blend} />
        </>
      )}
    </div>
  );
}

/** Return the blend of the address; an address without one means what was gathered. Each follows the other. */
function useBlend(): Blend {
  const { path: here, query, route } = useLocation();
  const isHere = here === address(PATH); // while the view that follows is loaded, this one still lives
  const named = readBlend(query);
  const path = pathOf(named);
  useEffect(() => {
    if (isHere && !isEmpty(named)) change(named);
  }, [isHere, path]);
  useEffect(() => {
    if (!isHere) return;
    const now = gathered.peek();
    // Back leads out of the view, but to the blend again that was cleared.
    if (pathOf(now) !== path) route(address(pathOf(now)), !isEmpty(now));
  }, [isHere, path, gathered.value]);
  return isEmpty(named) ? gathered.value : named;
}

function change(blend: Blend): void {
  gathered.value = blend;
}

function Given({ way, blend }: { way: Way; blend: Blend }) {
  const ids = blend[way];
  const asked = useAnswer((signal) => loadTracks(ids, signal), [ids.join()]);
  const label = t(`blend.${way}List`);
  return (
    <Panel title={label}>
      <Answered asked={asked}>
        {(tracks) =>
          tracks.length ? (
            <EntryList
              label={label}
              rows={tracks.map(({ id, title, artist, duration }) => ({ key: id, title, artist, duration }))}
              play={(index) => play(tracks, index)}
              remove={(index) => change(without(gathered.peek(), tracks[index]?.id ?? 0))}
            />
          ) : (
            <p class="muted">{t("blend.none")}</p>
          )
        }
      </Answered>
    </Panel>
  );
}

function Result({ blend }: { blend: Blend }) {
  const query = { more: [...blend.more], less: [...blend.less], limit: SHOWN_TRACKS };
  const asked = useAnswer(
    async (signal) => (blend.more.length ? (await get("/api/blend", { query, signal })).items : []),
    [pathOf(blend)],
  );
  if (!blend.more.length) return <p class="muted">{t("blend.needsMore")}</p>;
  return (
    <section>
      <h2>{t("library.tracks")}</h2>
      <Answered asked={asked}>
        {(tracks) =>
          tracks.length ? (
            <>
              <PlayButtons title={t("nav.blend")} load={async () => tracks}>
                {session.value?.user && (
                  <button type="button" class="button" onClick={() => addToPlaylist(tracks)}>
                    <Icon name="playlist" size={20} />
                    {t("map.keep")}
                  </button>
                )}
              </PlayButtons>
              <TrackList tracks={tracks} label={t("nav.blend")} lead="cover" hasAlbum />
            </>
          ) : (
            <p class="muted">{t("similar.none")}</p>
          )
        }
      </Answered>
    </section>
  );
}
