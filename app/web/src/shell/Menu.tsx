import { useLocation } from "preact-iso";
import { session } from "../api/session";
import { address, basePath } from "../base_path";
import { PATH } from "../blend/blend";
import { Icon, type IconName } from "../components/Icon";
import { type MessageName, t } from "../messages";
import "./Menu.css";

interface Place {
  path: string;
  label: MessageName;
  icon: IconName;
  /** Only for those who manage the appliance. */
  isManaged?: boolean;
}

// A phone shows the first ones as tabs, and the others behind a button.
const TABS = 4;
const MORE = "more-places";
const PLACES: readonly Place[] = [
  { path: "/", label: "nav.home", icon: "home" },
  { path: "/albums", label: "nav.albums", icon: "album" },
  { path: "/artists", label: "nav.artists", icon: "artist" },
  { path: "/map", label: "nav.map", icon: "map" },
  { path: "/playlists", label: "nav.playlists", icon: "playlist" },
  { path: PATH, label: "nav.blend", icon: "blend" },
  { path: "/genres", label: "nav.genres", icon: "genre" },
  { path: "/folders", label: "nav.folders", icon: "folder" },
  { path: "/machine", label: "nav.machine", icon: "machine", isManaged: true },
  { path: "/settings", label: "nav.settings", icon: "settings" },
];

/** The places of the page: a column at a desk, and tabs at the foot of a phone. */
export function Menu() {
  const { path } = useLocation();
  const here = path.slice(basePath.length) || "/";
  const places = PLACES.filter((place) => !place.isManaged || session.value?.role === "manage");
  const isBehind = places.slice(TABS).some((place) => isWithin(here, place.path));
  return (
    <nav class="menu" aria-label={t("app.menu")}>
      <a class="brand" href={address("/")} aria-label={t("app.name")}>
        <img src={address("/icon.svg")} alt="" width="28" height="28" />
        <span>{t("app.name")}</span>
      </a>
      <ul>
        {places.map((place, index) => (
          <li key={place.path} class={index < TABS ? "tab" : "behind"}>
            <PlaceLink place={place} here={here} />
          </li>
        ))}
        <li class="more">
          <button type="button" popovertarget={MORE} class={isBehind ? "current" : ""}>
            <Icon name="more" />
            <span>{t("app.more")}</span>
          </button>
        </li>
      </ul>
      <ul id={MORE} class="popup" popover="auto">
        {places.slice(TABS).map((place) => (
          <li key={place.path}>
            <PlaceLink place={place} here={here} onClick={hideMore} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function PlaceLink({ place, here, onClick }: { place: Place; here: string; onClick?: () => void }) {
  return (
    <a href={address(place.path)} aria-current={isWithin(here, place.path) ? "page" : undefined} onClick={onClick}>
      <Icon name={place.icon} />
      <span>{t(place.label)}</span>
    </a>
  );
}

function isWithin(here: string, path: string): boolean {
  return path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`);
}

function hideMore(): void {
  document.getElementById(MORE)?.hidePopover();
}
