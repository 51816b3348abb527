import { t } from "../../messages";

export function Folders() {
  return <h1>{t("nav.folders")}</h1>;
}
