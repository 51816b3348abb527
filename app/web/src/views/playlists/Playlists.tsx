import { useLocation } from "preact-iso";
import { get, post } from "../../api/client";
import type { Playlist } from "../../api/models";
import { session } from "../../api/session";
import { address } from "../../base_path";
import { NewPlaylist } from "../../components/AddToPlaylist";
import { Icon } from "../../components/Icon";
import { Answered, ErrorNotice } from "../../components/Notice";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import "./Playlists.css";

/** The playlists that a user may see. Guests have none, and are led to the sign-in. */
export function Playlists() {
  return (
    <div class="playlists">
      <h1>{t("nav.playlists")}</h1>
      {session.value?.user ? <UsersPlaylists /> : <NoUser />}
    </div>
  );
}

function NoUser() {
  return (
    <>
      <p class="muted">{t("playlists.ofUsers")}</p>
      {session.value?.means === "guest" && (
        <a href={address("/sign-in?next=/playlists")} target="_self">
          {t("account.signIn")}
        </a>
      )}
    </>
  );
}

/** One's own playlists and the public ones of others. */
function UsersPlaylists() {
  const { route } = useLocation();
  const asked = useAnswer((signal) => get("/api/playlists", { signal }), []);
  const { error, isRunning, run } = useAction();
  const create = (name: string) =>
    run(async () => {
      const made = await post("/api/playlists", { body: { name, comment: "", is_public: false, track_ids: [] } });
      route(address(`/playlists/${made.id}`));
    });
  return (
    <>
      <NewPlaylist isBusy={isRunning} create={create} />
      {error && <ErrorNotice error={error} />}
      <Answered asked={asked}>
        {({ items }) =>
          items.length ? (
            <ul>
              {items.map((playlist) => (
                <li key={playlist.id}>
                  <Row playlist={playlist} />
                </li>
              ))}
            </ul>
          ) : (
            <p class="muted">{t("playlists.empty")}</p>
          )
        }
      </Answered>
    </>
  );
}

function Row({ playlist }: { playlist: Playlist }) {
  const isOwn = playlist.user_id === session.value?.user?.id;
  const facts = [
    playlist.rules ? t("playlist.smart") : t("count.tracks", { count: playlist.entry_count }),
    !isOwn && t("playlist.by", { name: playlist.user_name }),
    isOwn && playlist.is_public && t("playlist.public"),
  ];
  return (
    <a href={address(`/playlists/${playlist.id}`)}>
      <span class="picture">
        <Icon name={playlist.rules ? "smart" : "playlist"} size={24} />
      </span>
      <span class="names">
        <strong class="one-line">{playlist.name}</strong>
        <span class="muted one-line">{facts.filter(Boolean).join(" · ")}</span>
      </span>
    </a>
  );
}
