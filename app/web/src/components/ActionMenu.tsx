import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

export interface Action {
  label: string;
  icon: IconName;
  /** Where it leads, or else what it does. */
  href?: string;
  run?: () => void;
}

/** A button that opens a menu of actions. The menu is made when it is opened: a list has many of them. */
export function ActionMenu({ label, actions }: { label: string; actions: () => readonly Action[] }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        class="icon-button"
        ref={button}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-label={label}
        onClick={() => setOpen(true)}
      >
        <Icon name="more" size={20} />
      </button>
      {isOpen && button.current && (
        <Popup label={label} actions={actions()} button={button.current} close={() => setOpen(false)} />
      )}
    </>
  );
}

interface PopupProps {
  label: string;
  actions: readonly Action[];
  button: HTMLElement;
  close: () => void;
}

function Popup({ label, actions, button, close }: PopupProps) {
  const popup = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = popup.current;
    if (!menu) return;
    menu.showPopover();
    place(menu, button);
    menu.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const scroller = button.closest("main");
    scroller?.addEventListener("scroll", close, { passive: true });
    return () => scroller?.removeEventListener("scroll", close);
  }, []);
  const finish = () => {
    close();
    button.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation(); // the list around the menu, and the player, have the same keys
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      finish();
      return;
    }
    const items = [...(popup.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items.at(next % items.length)?.focus();
  };
  return (
    <div
      class="popup"
      role="menu"
      aria-label={label}
      popover="auto"
      ref={popup}
      onKeyDown={onKeyDown}
      onToggle={(event) => (event as ToggleEvent).newState === "closed" && close()}
    >
      {actions.map(({ label, icon, href, run }) =>
        href ? (
          <a key={label} href={href} class="popup-row" role="menuitem" tabIndex={-1} onClick={close}>
            <Icon name={icon} size={20} />
            {label}
          </a>
        ) : (
          <button
            key={label}
            type="button"
            class="popup-row"
            role="menuitem"
            tabIndex={-1}
            onClick={() => {
              run?.();
              finish();
            }}
          >
            <Icon name={icon} size={20} />
            {label}
          </button>
        ),
      )}
    </div>
  );
}

/** Put the menu below its button, or above where there is no room. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const margin = 8;
  const isAbove = at.bottom + height + margin > window.innerHeight && at.top > height;
  menu.style.left = `${Math.max(margin, Math.min(at.right - width, window.innerWidth - width - margin))}px`;
  menu.style.top = `${isAbove ? at.top - height - 4 : at.bottom + 4}px`;
}
