import { t } from "../../messages";

export function Machine() {
  return <h1>{t("nav.machine")}</h1>;
}
