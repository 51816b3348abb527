import { t } from "../../messages";

export function Albums() {
  return <h1>{t("nav.albums")}</h1>;
}
