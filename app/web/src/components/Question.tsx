import { t } from "../messages";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  text: string;
  /** What the button says that goes on. */
  action: string;
  onYes: () => void;
  onClose: () => void;
}

/** Asks before something is done that cannot be undone. */
export function Question({ title, text, action, onYes, onClose }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>
          {t("dialog.cancel")}
        </button>
        <button type="button" class="button main" onClick={onYes}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
