import { t } from "../../messages";

export function Queue() {
  return <h1>{t("nav.queue")}</h1>;
}
