import { hide, told } from "./tell";
import "./Told.css";

/** Shows for a while what the page tells by itself. The place is always there, so that screen readers watch it. */
export function Told() {
  const { text, link } = told.value ?? {};
  return (
    <div class="told" role="status">
      {text && (
        <p>
          {text}
          {link && (
            <a href={link.href} onClick={hide}>
              {link.label}
            </a>
          )}
        </p>
      )}
    </div>
  );
}
