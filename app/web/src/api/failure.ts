/** What is said of a request that has failed. */
import { t } from "../messages";
import type { ApiError } from "./client";

export function failureText(error: ApiError): string {
  if (error.code === "disk_full") return t("error.diskFull");
  if (error.code === "read_only") return t("error.readOnly");
  if (error.status === 0) return t("error.network");
  if (error.status === 404) return t("error.missing");
  return error.message || t("error.unknown", { status: error.status });
}

/** Tell whether a request was refused for good, so that the same one would be refused again. */
export function isRefused(error: ApiError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}
