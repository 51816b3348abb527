import { t } from "../../messages";

export function Artists() {
  return <h1>{t("nav.artists")}</h1>;
}
