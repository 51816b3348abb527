import type { Machine } from "../../api/models";
import { bytes } from "../../format_machine";
import { type MessageName, t } from "../../messages";

const MIB = 1 << 20;
const SHADES = 5;
const NAMED = new Set(["api", "worker", "redis", "flower", "online"]);

/** The memory of each program against what they may have together, and what the machine has left. */
export function Memory({ memory }: { memory: Machine["memory"] }) {
  const used = memory.parts.reduce((sum, part) => sum + part.mb, 0);
  const total = memory.budget_mb ?? memory.total_mb;
  const label = t(memory.budget_mb ? "memory.ofBudget" : "memory.ofMachine", {
    used: bytes(used * MIB),
    total: bytes(total * MIB),
  });
  return (
    <>
      {memory.parts.length > 0 && (
        <>
          <p>{label}</p>
          <div class="memory-bar" role="img" aria-label={label}>
            {memory.parts.map((part, n) => (
              <div key={part.name} class={`part-${n % SHADES}`} style={{ width: `${(100 * part.mb) / total}%` }} />
            ))}
          </div>
        </>
      )}
      <dl class="pairs">
        {memory.parts.map((part, n) => (
          <div key={part.name}>
            <dt>
              <span class={`swatch part-${n % SHADES}`} aria-hidden="true" />
              {NAMED.has(part.name) ? t(`memory.${part.name}` as MessageName) : part.name}
            </dt>
            <dd>{bytes(part.mb * MIB)}</dd>
          </div>
        ))}
        <div class="muted">
          <dt>{t("memory.available")}</dt>
          <dd>{bytes(memory.available_mb * MIB)}</dd>
        </div>
      </dl>
    </>
  );
}
