import { t } from "../../messages";

export function Playlists() {
  return <h1>{t("nav.playlists")}</h1>;
}
