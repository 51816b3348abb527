import "./Slider.css";

interface Props {
  label: string;
  /** The value as people say it. */
  text: string;
  max: number;
  value: number;
  /** By how much an arrow key changes the value. */
  keyStep: number;
  /** Called while it is dragged. */
  onInput?: (value: number) => void;
  /** Called when it is let go. */
  onChange: (value: number) => void;
}

const WAYS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

/** A value from 0 on. */
export function Slider({ label, text, max, value, keyStep, onInput, onChange }: Props) {
  const press = (event: KeyboardEvent) => {
    const way = WAYS[event.key];
    if (!way || event.shiftKey) return;
    event.preventDefault();
    onChange(Math.min(Math.max(value + way * keyStep, 0), max));
  };
  return (
    <input
      class="slider"
      type="range"
      aria-label={label}
      aria-valuetext={text}
      min={0}
      max={max}
      step="any"
      value={value}
      style={{ "--part": `${max ? (100 * value) / max : 0}%` }}
      onKeyDown={press}
      onInput={(event) => onInput?.(event.currentTarget.valueAsNumber)}
      onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
    />
  );
}
