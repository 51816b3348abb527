import { useState } from "preact/hooks";
import { post } from "../../api/client";
import type { OfferedRelease, Updates } from "../../api/models";
import { ErrorNotice } from "../../components/Notice";
import { Question } from "../../components/Question";
import { useAction } from "../../components/use_action";
import { bytes } from "../../format_machine";
import { t } from "../../messages";

/** The releases that lie on drives, or were uploaded. Only a newer one can be installed; of others it says why not. */
export function UpdateOffers({ state, onAsked }: { state: Updates; onAsked: (known: Updates) => void }) {
  const [chosen, choose] = useState<OfferedRelease>();
  const { error, isRunning, run } = useAction();
  const mayInstall = state.installable && state.trusts_keys;
  async function install(offer: OfferedRelease): Promise<void> {
    choose(undefined);
    await run(async () => onAsked(await post("/api/updates/install", { body: { path: offer.path } })));
  }
  return (
    <>
      {state.offers.length ? (
        <ul>
          {state.offers.map((offer) => (
            <li key={offer.path}>
              <div>
                <p>{t(`update.${offer.state}`, { version: offer.version })}</p>
                <p class="muted">
                  {offer.place === "upload" ? t("update.uploaded") : offer.path} · {bytes(offer.bytes)}
                </p>
              </div>
              {offer.state === "newer" && mayInstall && (
                <button
                  type="button"
                  class="button main"
                  disabled={isRunning}
                  aria-label={t("update.installThis", { version: offer.version })}
                  onClick={() => choose(offer)}
                >
                  {t("update.install")}
                </button>
              )}
            </li>
          ))}
        </ul>
      ) : (
        <p class="muted">{t("update.none")}</p>
      )}
      {state.silent && <p class="warning">{t("update.silent")}</p>}
      {!state.installable && <p class="muted">{t("update.notHere")}</p>}
      {state.installable && !state.trusts_keys && <p class="warning">{t("update.noKeys")}</p>}
      {error && <ErrorNotice error={error} />}
      {chosen && (
        <Question
          title={t("update.question", { version: chosen.version })}
          text={t("update.whatHappens")}
          action={t("update.install")}
          onYes={() => install(chosen)}
          onClose={() => choose(undefined)}
        />
      )}
    </>
  );
}
