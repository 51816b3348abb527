import "./ProgressBar.css";

/** A bar of a percentage; undefined: something is done, and nobody knows how much there is. */
export function ProgressBar({ percent, label }: { percent: number | undefined; label: string }) {
  return (
    <div
      class={percent === undefined ? "progress-bar unknown" : "progress-bar"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      {/* Another element: the way from unknown to 0 percent is no movement. */}
      <div
        key={percent === undefined ? "unknown" : "known"}
        style={{ transform: `scaleX(${(percent ?? 100) / 100})` }}
      />
    </div>
  );
}
