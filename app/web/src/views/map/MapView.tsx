import { t } from "../../messages";

export function MapView() {
  return <h1>{t("nav.map")}</h1>;
}
