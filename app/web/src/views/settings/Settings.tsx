import { session } from "../../api/session";
import { Panel } from "../../components/Panel";
import { chooseLanguage, type Language, language, languages, t } from "../../messages";
import { PlayerSettings } from "../../player/PlayerSettings";
import { signOut } from "../../shell/sign_out";
import { Apps } from "./Apps";
import { Browsers } from "./Browsers";
import { ImportRatings } from "./ImportRatings";
import { Password } from "./Password";
import { RemoteWorkers } from "./RemoteWorkers";
import { Scrobbling } from "./Scrobbling";
import { Users } from "./Users";
import "./Settings.css";

/** Language, account, apps, scrobbling, users, and workers on other machines. */
export function Settings() {
  const { user, role, means } = session.value ?? {};
  return (
    <>
      <h1>{t("nav.settings")}</h1>
      <div class="panels settings">
        <Panel title={t("settings.language")}>
          <LanguageChoice />
        </Panel>
        <PlayerSettings />
        {user && means === "session" && (
          <>
            <ImportRatings />
            <Password name={user.name} />
            <Browsers />
            <Apps user={user} />
            <Scrobbling />
          </>
        )}
        {role === "manage" && <Users me={user?.id} />}
        {user?.is_owner && means === "session" && <RemoteWorkers />}
        {user && (
          <Panel title={t("settings.signedInAs", { name: user.name })}>
            <p>
              <button type="button" class="button" onClick={signOut}>
                {t("account.signOut")}
              </button>
            </p>
          </Panel>
        )}
      </div>
    </>
  );
}

function LanguageChoice() {
  return (
    <fieldset class="choices">
      <legend class="visually-hidden">{t("settings.language")}</legend>
      {Object.entries(languages).map(([tag, name]) => (
        <label key={tag}>
          <input
            type="radio"
            name="language"
            checked={language.value === tag}
            onChange={() => void chooseLanguage(tag as Language)}
          />
          <span lang={tag}>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
