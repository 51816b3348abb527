import type { Updates } from "../../api/models";
import { t } from "../../messages";
import { ProgressBar } from "../../scan/ProgressBar";

type Installing = NonNullable<Updates["installing"]>;
const STEPS = ["requested", "checking", "prepared", "switching", "healthy"] as const;

/** How far the installation has come. */
export function UpdateSteps({ installing, isAway }: { installing: Installing; isAway: boolean }) {
  const { version, step } = installing;
  const reached = (STEPS as readonly string[]).indexOf(step);
  const title = version ? t("update.installing", { version }) : t("update.installingSome");
  return (
    <>
      <p>{title}</p>
      <ProgressBar
        percent={step === "undoing" ? undefined : (100 * (reached + 1)) / (STEPS.length + 1)}
        label={title}
      />
      {step === "undoing" ? (
        <p class="warning">{t("update.step.undoing")}</p>
      ) : (
        <ol class="update-steps">
          {STEPS.map((one, index) => (
            <li
              key={one}
              class={index > reached ? "muted" : undefined}
              aria-current={one === step ? "step" : undefined}
            >
              {t(`update.step.${one}`)}
            </li>
          ))}
        </ol>
      )}
      {isAway && <p class="muted">{t("update.away")}</p>}
    </>
  );
}
