import { t } from "../../messages";

export function Genres() {
  return <h1>{t("nav.genres")}</h1>;
}
