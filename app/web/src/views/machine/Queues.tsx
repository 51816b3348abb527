import { type MessageName, shown, t } from "../../messages";

const NAMED = new Set(["scan", "extract", "batch", "insert", "vector", "covers", "deferred", "maintenance"]);

/** How many tasks wait in each queue. */
export function Queues({ queues }: { queues: Record<string, number> }) {
  return (
    <dl class="pairs">
      {Object.entries(queues).map(([name, length]) => (
        <div key={name} class={length ? "" : "muted"}>
          <dt>{NAMED.has(name) ? t(`tasks.${name}` as MessageName) : name}</dt>
          <dd data-testid={`queue-${name}`}>{shown(length)}</dd>
        </div>
      ))}
    </dl>
  );
}
