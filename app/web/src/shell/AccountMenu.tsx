import { session } from "../api/session";
import { address } from "../base_path";
import { Icon } from "../components/Icon";
import { t } from "../messages";
import { signOut } from "./sign_out";
import "./AccountMenu.css";

const MENU = "account-menu";

/** Who has signed in, with a menu. Guests are led to the sign-in; without a login there is nobody to name. */
export function AccountMenu() {
  const { user, means } = session.value ?? {};
  if (!user) {
    return means === "guest" ? (
      <a class="account" href={address("/sign-in")} target="_self">
        {t("account.signIn")}
      </a>
    ) : null;
  }
  return (
    <div class="account-area">
      <button type="button" class="account" popovertarget={MENU} aria-label={t("account.menu", { name: user.name })}>
        <Icon name="artist" size={20} />
        <span class="one-line">{user.name}</span>
      </button>
      <div id={MENU} class="popup account-menu" popover="auto">
        <a class="popup-row" href={address("/settings")} onClick={hide}>
          {t("nav.settings")}
        </a>
        <button type="button" class="popup-row" onClick={signOut}>
          {t("account.signOut")}
        </button>
      </div>
    </div>
  );
}

function hide(): void {
  document.getElementById(MENU)?.hidePopover();
}
