import { t } from "../../messages";

export function Settings() {
  return <h1>{t("nav.settings")}</h1>;
}
