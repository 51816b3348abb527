import { told } from "./tell";
import "./Told.css";

/** Shows for a while what the page tells by itself. The place is always there, so that screen readers watch it. */
export function Told() {
  return (
    <div class="told" role="status">
      {told.value && <p>{told.value}</p>}
    </div>
  );
}
